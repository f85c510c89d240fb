internal import Foundation

/// The conversion of bytes to network inputs: (byte/255 − mean)/deviation, per channel.
public struct Normalization: Codable, Equatable, Sendable {
  /// Mean of byte/255 per channel.
  public var mean: [Float]
  /// Deviation of byte/255 per channel; positive.
  public var deviation: [Float]

  /// Creates a normalisation; each array has one element per channel.
  public init(mean: [Float], deviation: [Float]) {
    self.mean = mean
    self.deviation = deviation
  }

  /// Returns the conversion to byte/255, with mean 0 and deviation 1.
  public static func none(channels: Int) -> Normalization {
    Normalization(mean: Array(repeating: 0, count: channels), deviation: Array(repeating: 1, count: channels))
  }

  /// Returns the conversion for images whose single channel is repeated; itself if it has that many channels.
  public func repeated(_ channels: Int) -> Normalization {
    guard mean.count == 1, deviation.count == 1, channels > 1 else { return self }
    return Normalization(mean: Array(repeating: mean[0], count: channels), deviation: Array(repeating: deviation[0], count: channels))
  }

  /// - Throws: ``DatasetError/badRequest(_:)`` unless there are a finite mean and a finite positive deviation for each channel.
  func validate(channels: Int) throws {
    guard mean.count == channels, deviation.count == channels else {
      throw DatasetError.badRequest(
        "the normalisation has \(mean.count) means and \(deviation.count) deviations, the images have \(channels) channels")
    }
    guard mean.allSatisfy(\.isFinite), deviation.allSatisfy({ $0.isFinite && $0 > 0 }) else {
      throw DatasetError.badRequest("the normalisation's means must be finite and its deviations positive")
    }
  }
}
