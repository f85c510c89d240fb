public import Foundation

/// Returns a field of a protobuf message as bytes: its tag, the length of its content, and the content.
public func protobufField(_ number: UInt8, _ content: Data) -> Data {
  var head = [number << 3 | 2]
  var length = content.count
  while length > 0x7F {
    head.append(UInt8(length & 0x7F) | 0x80)
    length >>= 7
  }
  return Data(head) + [UInt8(length)] + content
}
