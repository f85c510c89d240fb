internal import Files
internal import Foundation

/// A clip in a RIFF WAVE file: PCM of 8, 16, 24 or 32 bits, or float32; several channels are averaged.
struct WAV {
  /// Samples per second.
  let rate: Int
  /// The samples, between −1 and 1.
  let samples: [Float]

  /// The most bytes of a file: an hour of 16 kHz, 16 bits.
  static let largest = 1 << 27

  /// Reads a clip.
  ///
  /// - Throws: `DatasetError.badFile` if it is none, or ends early.
  init(_ path: String) throws {
    let bytes: [UInt8]
    do { bytes = [UInt8](try RegularFile.read(path, limit: Self.largest)) } catch {
      throw DatasetError.badFile(path: path, problem: error.problem)
    }
    do { self = try WAV(bytes) } catch let problem as Problem { throw DatasetError.badFile(path: path, problem: problem.words) }
  }

  private struct Problem: Error {
    let words: String
    init(_ words: String) { self.words = words }
  }

  private init(rate: Int, samples: [Float]) { (self.rate, self.samples) = (rate, samples) }

  private init(_ bytes: [UInt8]) throws {
    func number(_ at: Int, _ count: Int) -> Int { (0..<count).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) } }
    func name(_ at: Int) -> String { String(decoding: bytes[at..<(at + 4)], as: UTF8.self) }
    guard !bytes.isEmpty else { throw Problem("it is empty") }
    guard bytes.count >= 12, name(0) == "RIFF", name(8) == "WAVE" else { throw Problem("it is not a WAVE file") }
    var format: (code: Int, channels: Int, rate: Int, bits: Int)?
    var at = 12
    while at + 8 <= bytes.count {
      let (chunk, size, start) = (name(at), number(at + 4, 4), at + 8)
      if chunk == "data" {
        guard let format else { throw Problem("its samples come before their format") }
        guard size <= bytes.count - start else { throw Problem("it ends early: \(bytes.count - start) of \(size) bytes of samples") }
        guard size > 0 else { throw Problem("it holds no samples") }
        self = WAV(rate: format.rate, samples: try Self.samples(bytes[start..<(start + size)], format.code, format.channels, format.bits))
        return
      }
      guard size <= bytes.count - start else { throw Problem("it ends early") }
      if chunk == "fmt " {
        guard size >= 16 else { throw Problem("its format is cut short") }
        // 0xFFFE: the code proper is the first two bytes of an identifier.
        let code = number(start, 2)
        format = (
          code == 0xFFFE && size >= 26 ? number(start + 24, 2) : code, number(start + 2, 2), number(start + 4, 4), number(start + 14, 2)
        )
      }
      at = start + size + size % 2
    }
    throw Problem("it ends before its samples")
  }

  private static func samples(_ data: ArraySlice<UInt8>, _ code: Int, _ channels: Int, _ bits: Int) throws -> [Float] {
    guard (1...64).contains(channels), (code == 1 && [8, 16, 24, 32].contains(bits)) || (code == 3 && bits == 32) else {
      throw Problem("samples of format \(code), \(bits) bits, \(channels) channels: possible are PCM of 8 to 32 bits and float32")
    }
    let width = bits / 8
    guard data.count % (width * channels) == 0 else { throw Problem("it ends within a sample") }
    func value(_ at: Int) -> Float {
      let word = (0..<width).reduce(UInt32(0)) { $0 | UInt32(data[at + $1]) << (8 * UInt32($1)) }
      if code == 3 { return Float(bitPattern: word) }
      if bits == 8 { return (Float(word) - 128) / 128 }
      // The sign is the word's highest bit once it stands there.
      return Float(Int32(bitPattern: word << UInt32(32 - bits))) / 0x1p31
    }
    return try stride(from: data.startIndex, to: data.endIndex, by: width * channels).map { start in
      let mean = (0..<channels).reduce(Float(0)) { $0 + value(start + $1 * width) } / Float(channels)
      guard mean.isFinite else { throw Problem("a sample is \(mean)") }
      return mean
    }
  }
}
