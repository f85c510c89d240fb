import Foundation
import SwiftProtobuf
import TestSupport
import Testing

@testable import TensorBoard

@Suite struct EventFileTests {
  private func hex(_ data: some Sequence<UInt8>) -> String { data.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
  private func read(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

  /// The check value of CRC-32C (RFC 3720, appendix B.4), and others from there.
  @Test func checksums() {
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum(Array<UInt8>(0..<32)) == 0x46DD_794E)
    #expect(CRC32C.checksum([]) == 0)
    #expect(CRC32C.masked([]) == 0xA282_EAD8)
  }

  /// `Tests/Reference/event_file.py` makes the same of TensorBoard's own classes and another implementation of the checksum.
  @Test func bytesAreThoseThatTheReadersOwnClassesWrite() throws {
    let golden = try JSONDecoder().decode([String: String].self, from: Data(contentsOf: reference("event_file.json")))
    #expect(hex(Record.framed(Data("a".utf8))) == golden["record"])
    try withTemporaryDirectory { folder throws in
      let file = try EventFile(in: folder, keeping: 0, heading: [("command", "`espalier`")]) {
        Date(timeIntervalSince1970: 1_700_000_000.5)
      }
      try file.write([("loss/training", .scalar(0.1)), ("learning-rate", .scalar(1e-3))], step: 300)
      #expect(file.path == folder + "/events.out.tfevents.1700000000.espalier" && file.kept == 0)
      #expect(hex(try read(file.path)) == golden["file"])
    }
  }

  /// Each file stands alone, and comes after all others by its name.
  @Test func aFurtherFileRepeatsWhatHolds() throws {
    try withTemporaryDirectory { folder throws in
      let clock = { Date(timeIntervalSince1970: 5) }
      let first = try EventFile(in: folder + "/new", keeping: 7, heading: [("command", "c")], now: clock)
      #expect(first.kept == 0 && first.path.hasSuffix("/events.out.tfevents.0000000005.espalier"))
      for step in 1...4 { try first.write([("loss", .scalar(Double(step)))], step: step) }
      try first.synchronize()
      // Another program's, of a later time.
      try Data("x".utf8).write(to: URL(fileURLWithPath: folder + "/new/events.out.tfevents.0000000100.host.7.0"))
      let second = try EventFile(in: folder + "/new", keeping: 2, heading: [("command", "c")]) { Date(timeIntervalSince1970: 6) }
      #expect(second.kept == 2 && second.path.hasSuffix("/events.out.tfevents.0000000101.espalier"))
      try second.write([("loss", .scalar(30))], step: 3)
      let events = try Record.all(in: read(second.path)).map { try Event(serializedBytes: $0) }
      #expect(events.map(\.step) == [0, 0, 0, 1, 2, 3] && events.map(\.wallTime) == [6, 6, 6, 5, 5, 6])
      #expect(events[0].fileVersion == "brain.Event:2" && events[1].sessionLog.status == .start)
      #expect(events.dropFirst(3).map(\.summary.value.first?.simpleValue) == [1, 2, 30])
      // More than there are.
      #expect(try EventFile(in: folder + "/new", keeping: 9, heading: [("command", "c")], now: clock).kept == 3)
    }
  }

  /// A killed process leaves half a record; a damaged one hides what follows.
  @Test func recordsEndAtTheFirstThatIsDamaged() {
    let records = [Data("one".utf8), Data(), Data("three".utf8)]
    let whole = records.map(Record.framed).reduce(Data(), +)
    #expect(Record.all(in: whole) == records)
    for count in 0..<whole.count { #expect(records.starts(with: Record.all(in: whole.prefix(count))), "\(count)") }
    #expect(Record.all(in: whole.dropLast()).count == 2)
    var damaged = whole
    damaged[12] ^= 1
    #expect(Record.all(in: damaged).isEmpty)
    // A length beyond all files, with its right checksum.
    let long = Data(repeating: 0xFF, count: 8)
    let forged = long + withUnsafeBytes(of: CRC32C.masked(long).littleEndian) { Data($0) } + Data(count: 8)
    #expect(Record.all(in: forged).isEmpty)
  }
}
