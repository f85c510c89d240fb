internal import Interruptions
internal import Torch

extension ExampleSet {
  /// Number of examples that are looked at where they must be read for it.
  private static let readForMoments = 10_000

  /// Returns the mean and population deviation of each channel, of byte/255 or of float32 values, in one pass over the set.
  ///
  /// Of bytes the sums are exact. Of examples that are read as they are needed, at most 10,000 are looked at, evenly spread over the set.
  ///
  /// - Throws: errors of reading examples.
  public func meanAndDeviation() throws -> Normalization {
    var positions = positions
    if case .read = storage, count > Self.readForMoments {
      positions = (0..<Self.readForMoments).map { positions[$0 * count / Self.readForMoments] }
    }
    let (area, stored) = (storedHeight * storedWidth, shape.count == 3 ? storedShape[0] : channels)
    let pixels = Double(max(1, positions.count * area))
    var bytes = elementType == .uint8 ? ByteMoments(channels: stored) : nil
    var floats = FloatMoments(channels: stored)
    for start in stride(from: 0, to: positions.count, by: 256) {
      try Interruption.check()
      try storage.withElements(of: Array(positions[start..<min(start + 256, positions.count)])) { elements, indices in
        for index in indices {
          for channel in 0..<stored {
            let range = (Int(index) * stored + channel) * area..<(Int(index) * stored + channel + 1) * area
            switch elements {
            case .bytes(let all): bytes?.add(all[range], channel)
            case .floats(let all): floats.add(all[range], channel)
            }
          }
        }
      }
    }
    let moments = (0..<channels).map { channel in
      let channel = min(channel, stored - 1)
      return bytes?.moments(of: channel, count: pixels) ?? floats.moments(of: channel)
    }
    // A constant channel has deviation 0; 1 keeps its normalised values finite.
    return Normalization(
      mean: moments.map { Float($0.mean) },
      deviation: moments.map { $0.variance > 0 && Float($0.variance.squareRoot()) > 0 ? Float($0.variance.squareRoot()) : 1 })
  }
}

/// Counts of each byte in each channel.
private struct ByteMoments {
  private var histogram: [Int]

  init(channels: Int) { histogram = Array(repeating: 0, count: channels * 256) }

  mutating func add(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, _ channel: Int) {
    for byte in bytes { histogram[channel * 256 + Int(byte)] += 1 }
  }

  func moments(of channel: Int, count: Double) -> (mean: Double, variance: Double) {
    let counts = histogram[(channel * 256)..<(channel * 256 + 256)]
    let mean = counts.enumerated().reduce(0) { $0 + Double($1.offset) * Double($1.element) } / count / 255
    let sum = counts.enumerated().reduce(0.0) { sum, entry in
      let difference = Double(entry.offset) / 255 - mean
      return sum + difference * difference * Double(entry.element)
    }
    return (mean, sum / count)
  }
}

/// Running means and sums of squared differences from them (Welford 1962), which do not cancel where the mean is far from 0.
private struct FloatMoments {
  private var counts: [Double]
  private var means: [Double]
  private var sums: [Double]

  init(channels: Int) {
    counts = Array(repeating: 0, count: channels)
    (means, sums) = (counts, counts)
  }

  mutating func add(_ values: Slice<UnsafeBufferPointer<Float>>, _ channel: Int) {
    for value in values {
      counts[channel] += 1
      let difference = Double(value) - means[channel]
      means[channel] += difference / counts[channel]
      sums[channel] += difference * (Double(value) - means[channel])
    }
  }

  func moments(of channel: Int) -> (mean: Double, variance: Double) { (means[channel], sums[channel] / max(counts[channel], 1)) }
}
