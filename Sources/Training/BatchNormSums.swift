public import Torch

/// Mean and variance, in float64, of each channel over all inputs of batch norms in several forward passes.
///
/// Batches are combined exactly (Chan, Golub & LeVeque 1983): however the same values are split, the result is that of a single batch.
/// The average of batch statistics, which PyTorch's `momentum=None` keeps, ignores how the batches' means differ, and has no variance for
/// a batch of one value.
public final class BatchNormSums {
  /// Count, mean and squares of some values of each channel.
  private struct Moments {
    var count: Int
    var mean: Tensor
    /// Σ(x − mean)².
    var squares: Tensor

    /// Returns the moments of both sets of values together.
    func adding(_ other: Moments) throws -> Moments {
      let total = count + other.count
      let shift = try other.mean - mean
      let between = try shift.squared() * (Double(count) / Double(total) * Double(other.count))
      return Moments(
        count: total, mean: try mean + shift * (Double(other.count) / Double(total)), squares: try squares + other.squares + between)
    }
  }

  private var moments: [String: Moments] = [:]
  /// Number of elements that are converted to float64 at once.
  private static let block = 1 << 22

  /// Creates sums without any values.
  public init() {}

  /// Adds the input of a norm, [batch, channels, …], and returns the mean and biased variance of this input alone, float64 [channels].
  func add(_ value: Tensor, to module: String) throws -> (mean: Tensor, variance: Tensor) {
    let (examples, channels) = (value.shape[0], value.shape[1])
    let positions = value.shape.dropFirst(2).reduce(1, *)
    let step = max(Self.block / max(channels * positions, 1), 1)
    var batch: Moments?
    for start in stride(from: 0, to: examples, by: step) {
      let part = try value.narrowed(0, from: start, length: min(step, examples - start)).cast(to: .float64)
      let count = part.shape[0] * positions
      func perChannel(_ tensor: Tensor) throws -> Tensor { try tensor.rank == 4 ? tensor.sum(0, 2, 3) : tensor.sum(0) }
      let mean = try perChannel(part) / Double(count)
      let centred = try part - mean.reshaped([1, channels] + Array(repeating: 1, count: part.rank - 2))
      let found = Moments(count: count, mean: mean, squares: try perChannel(centred.squared()))
      batch = try batch.map { try $0.adding(found) } ?? found
    }
    guard let batch else { throw TorchError("batch norm \(module): the batch is empty") }
    moments[module] = try moments[module].map { try $0.adding(batch) } ?? batch
    return (batch.mean, try batch.squares / Double(batch.count))
  }

  /// Returns the mean and unbiased variance of all inputs of each norm, float64 [channels], and the number of values per channel, by
  /// module.
  public func statistics() throws -> [String: (count: Int, mean: Tensor, variance: Tensor)] {
    try moments.mapValues { ($0.count, $0.mean, try $0.squares / Double(max($0.count - 1, 1))) }
  }
}
