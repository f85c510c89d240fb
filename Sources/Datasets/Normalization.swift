internal import Foundation

/// How bytes become network inputs: (byte/255 − mean)/deviation, per channel.
public struct Normalization: Codable, Equatable, Sendable {
  /// Per channel, of byte/255.
  public var mean: [Float]
  /// Per channel, of byte/255; positive.
  public var deviation: [Float]

  /// One entry per channel.
  public init(mean: [Float], deviation: [Float]) {
    self.mean = mean
    self.deviation = deviation
  }

  /// Plain byte/255.
  public static func none(channels: Int) -> Normalization {
    Normalization(mean: Array(repeating: 0, count: channels), deviation: Array(repeating: 1, count: channels))
  }

  /// - Throws: ``DatasetError/badRequest(_:)`` unless there is a finite mean and a positive deviation for each channel.
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
