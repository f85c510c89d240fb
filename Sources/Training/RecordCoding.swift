package import Foundation

extension JSONEncoder {
  /// An encoder for checkpoints and records: the same value gives the same bytes. A loss that overflowed is a result, but JSON has no
  /// number for it, so it is written as "inf" or "nan".
  package static var records: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return encoder
  }

  /// Returns a value's JSON as text.
  package func text(_ value: some Encodable) throws -> String { String(decoding: try encode(value), as: UTF8.self) }
}

extension JSONDecoder {
  /// A decoder for what ``Foundation/JSONEncoder/records`` encoded.
  package static var records: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.nonConformingFloatDecodingStrategy = .convertFromString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return decoder
  }
}
