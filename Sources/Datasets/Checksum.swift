internal import Crypto
internal import Foundation

/// The published digest of a file.
///
/// Most image data sets are published with MD5 only, which detects broken transfers but not a forger, who can make another file with the
/// same MD5.
public enum Checksum: Sendable, Equatable, CustomStringConvertible {
  /// An MD5 digest of 32 hexadecimal digits.
  case md5(String)
  /// A SHA-256 digest of 64 hexadecimal digits.
  case sha256(String)

  /// Name of the algorithm: `md5` or `sha256`.
  public var algorithm: String {
    switch self {
    case .md5: "md5"
    case .sha256: "sha256"
    }
  }

  /// The digest in lower-case hexadecimal digits.
  public var digits: String {
    switch self {
    case .md5(let digits), .sha256(let digits): digits
    }
  }

  /// The algorithm and the digits, separated by a space.
  public var description: String { "\(algorithm) \(digits)" }

  /// Computes the digest of a file by the same algorithm, reading it in pieces.
  ///
  /// - Throws: ``DatasetError/badFile(path:problem:)`` if the file cannot be read.
  public func computed(ofFile path: String) throws -> Checksum {
    var running = RunningChecksum(like: self)
    try running.update(file: path)
    return running.finished
  }
}

/// A digest that is computed as bytes arrive.
package struct RunningChecksum {
  private enum State {
    case md5(Insecure.MD5)
    case sha256(SHA256)
  }
  private var state: State

  /// Starts a SHA-256 digest.
  package init() { state = .sha256(SHA256()) }

  init(like checksum: Checksum) {
    switch checksum {
    case .md5: state = .md5(Insecure.MD5())
    case .sha256: state = .sha256(SHA256())
    }
  }

  /// Adds bytes to the digest.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    switch state {
    case .md5(var hash):
      hash.update(bufferPointer: bytes)
      state = .md5(hash)
    case .sha256(var hash):
      hash.update(bufferPointer: bytes)
      state = .sha256(hash)
    }
  }

  /// Adds a number to the digest, as 8 little-endian bytes.
  package mutating func update(_ number: Int) { withUnsafeBytes(of: UInt64(bitPattern: Int64(number)).littleEndian) { update($0) } }

  /// Adds a text preceded by its length, so that the boundary between texts is part of the digest.
  package mutating func update(_ text: String) {
    var text = text
    update(text.utf8.count)
    text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
  }

  /// Adds the content of a file.
  mutating func update(file path: String) throws {
    let file = try FileReader(path: path)
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    while true {
      let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
      if count == 0 { return }
      buffer.withUnsafeBytes { update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }
  }

  /// The digest of everything added so far, in hexadecimal digits.
  package var digits: String { finished.digits }

  var finished: Checksum {
    func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
      digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
    switch state {
    case .md5(let hash): return .md5(hexadecimal(hash.finalize()))
    case .sha256(let hash): return .sha256(hexadecimal(hash.finalize()))
    }
  }
}
