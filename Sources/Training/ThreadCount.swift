public import Networks

extension TrainingKernels {
  /// Multiply–accumulates of a batch's forward pass that are worth a thread of our own kernels; ``ThreadChooser`` lets the threads of steps
  /// that gain nothing rest.
  static let macsPerOwnThread = 1_000_000
  /// Multiply–accumulates of a batch's forward pass that are worth a thread of libtorch's operations, whose threads meet at the end of each.
  ///
  /// Measured on LeNet-5 (2.3 million an image): with two threads, a step takes as long as with one at one image, and 0.75 times as long at
  /// four and at eight.
  static let macsPerThread = 4_000_000

  /// Returns the number of threads that trainings of a network are worth.
  ///
  /// A function of the network and the batch alone, never of the machine's load: libtorch's sums depend on the number of threads.
  ///
  /// - Parameters:
  ///   - batch: examples per step.
  ///   - most: the number that is available.
  /// - Throws: what `Network.cost()` throws.
  public func threads(for network: Network, batch: Int, most: Int) throws -> Int {
    let isOurs = choice != .libtorch && FullyConnectedChain(network) != nil
    let (macs, overflows) = try network.cost().macs.multipliedReportingOverflow(by: max(batch, 1))
    guard !overflows else { return max(most, 1) }
    return max(min(most, macs / (isOurs ? Self.macsPerOwnThread : Self.macsPerThread)), 1)
  }
}
