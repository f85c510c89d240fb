package import Foundation

extension JSONEncoder {
  /// Writes what checkpoints and records keep: the same value, the same bytes. A loss that overflowed is a result, though JSON has no
  /// number for it: it is kept as "inf" or "nan".
  package static var records: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return encoder
  }

  /// The text of a value.
  package func text(_ value: some Encodable) throws -> String { String(decoding: try encode(value), as: UTF8.self) }
}

extension JSONDecoder {
  /// Reads what ``Foundation/JSONEncoder/records`` wrote.
  package static var records: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return decoder
  }
}
