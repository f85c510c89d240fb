import Foundation
import Testing

/// Values that other implementations computed, with the script that made them beside each file.
enum Reference {
  static func read<Golden: Decodable>(_ name: String, as type: Golden.Type = Golden.self) throws -> Golden {
    let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try decoder.decode(type, from: Data(contentsOf: tests.appendingPathComponent("Reference/\(name).json")))
  }
}

/// Expects a number to the given relative precision, or to an absolute one where numbers cancel to about zero.
func expect(
  _ value: Double?, near expected: Double, within precision: Double = 1e-11, or absolute: Double = 0,
  _ words: @autoclosure () -> String = "",
  at location: SourceLocation = #_sourceLocation
) {
  let difference = value.map { abs($0 - expected) } ?? .infinity
  #expect(
    difference <= max(precision * abs(expected), absolute), "\(String(describing: value)), not \(expected) \(words())",
    sourceLocation: location)
}
