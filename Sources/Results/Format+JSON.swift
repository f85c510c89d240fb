internal import Foundation

extension Format {
  /// JSON as results are printed and kept: indented, keys sorted, slashes as they are, numbers that JSON lacks as "nan" and "inf".
  ///
  /// - Throws: what encoding the value throws.
  public static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
