internal import Foundation

extension Format {
  /// Returns a value as JSON the way results are printed and stored: indented, keys sorted, slashes unescaped, non-finite numbers as
  /// "nan", "inf" and "-inf".
  ///
  /// - Throws: what encoding the value throws.
  public static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
