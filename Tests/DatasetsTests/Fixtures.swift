import CZlib
import Datasets
import Foundation
import Testing

/// A folder of a test's own, removed at the end.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("espalier-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = "\(path)/\(name)"
    try FileManager.default.createDirectory(atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }
}

/// What gzip makes of these bytes.
func gzipped(_ bytes: [UInt8]) throws -> [UInt8] {
  let folder = try TemporaryFolder()
  let path = "\(folder.path)/file.gz"
  let file = try #require(gzopen(path, "wb9"))
  #expect(gzwrite(file, bytes, UInt32(bytes.count)) == Int32(bytes.count))
  #expect(gzclose(file) == Z_OK)
  return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}

/// An IDX file of bytes.
func idx(_ dimensions: [Int], _ elements: [UInt8]) -> [UInt8] {
  [0, 0, 8, UInt8(dimensions.count)]
    + dimensions.flatMap { size in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) } } + elements
}

/// A data set laid out like MNIST with `count` training and 3 test images; pixel p of image i is i + p (mod 256).
func writeMNIST(_ folder: TemporaryFolder, count: Int = 5, name: String = "mnist", compressed: Bool = true) throws {
  func image(_ i: Int) -> [UInt8] { (0..<784).map { UInt8(truncatingIfNeeded: i + $0) } }
  for (part, examples) in [("train", count), ("t10k", 3)] {
    let images = idx([examples, 28, 28], (0..<examples).flatMap(image))
    let labels = idx([examples], (0..<examples).map { UInt8($0 % 10) })
    let suffix = compressed ? ".gz" : ""
    try folder.write("\(name)/\(part)-images-idx3-ubyte\(suffix)", compressed ? gzipped(images) : images)
    try folder.write("\(name)/\(part)-labels-idx1-ubyte\(suffix)", compressed ? gzipped(labels) : labels)
  }
}

/// `count` images of [channels, side, side] with random bytes and the labels 0, 1, … in turn.
func randomSet(count: Int, classes: Int = 10, channels: Int = 1, side: Int = 4, seed: UInt64 = 1) throws -> ExampleSet {
  var generator = SeededGenerator(seed: seed)
  return try ExampleSet(
    bytes: (0..<(count * channels * side * side)).map { _ in UInt8(generator.next(below: 256)) },
    labels: (0..<count).map { Int64($0 % classes) }, channels: channels, height: side, width: side,
    classNames: (0..<classes).map(String.init))
}

/// The one line of the error that `body` throws.
func message(of body: () throws -> Void) -> String {
  do {
    try body()
    return "no error"
  } catch {
    return "\(error)"
  }
}

/// Real data: `ESPALIER_UNPACKED_DATA` in the layout that loaders expect, `ESPALIER_TEST_DATA` or `../shared/data` as collected.
enum RealData {
  private static let environment = ProcessInfo.processInfo.environment
  static let collected: String? = {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return [environment["ESPALIER_TEST_DATA"], package.appendingPathComponent("../shared/data").path].compactMap { $0 }
      .first { FileManager.default.fileExists(atPath: "\($0)/mnist") }
  }()
  static let unpacked: String? = environment["ESPALIER_UNPACKED_DATA"]
  static var isThere: Bool { collected != nil }

  /// A folder with `emnist` where the collection has `emnist-bymerge-subset`.
  static func laidOut() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (name, source) in [("mnist", "mnist"), ("kmnist", "kmnist"), ("emnist", "emnist-bymerge-subset")] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder.path)/\(name)", withDestinationPath: "\(collected ?? "")/\(source)")
    }
    return folder
  }
}

/// A PNG of 8-bit grey with these rows' bytes, whatever its header claims.
func png(width: Int, height: Int, _ pixels: [UInt8], isColour: Bool = false) throws -> [UInt8] {
  func number(_ value: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }
  func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + data
    return number(data.count) + body + number(Int(crc32(0, body, UInt32(body.count))))
  }
  let row = max(width, 1) * (isColour ? 3 : 1)
  let rows = stride(from: 0, to: pixels.count, by: row).flatMap { [0] + pixels[$0..<min($0 + row, pixels.count)] }
  var packed = [UInt8](repeating: 0, count: rows.count + 64)
  var count = UInt(packed.count)
  #expect(compress(&packed, &count, rows, UInt(rows.count)) == Z_OK)
  return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", number(width) + number(height) + [8, isColour ? 2 : 0, 0, 0, 0])
    + chunk("IDAT", Array(packed.prefix(Int(count)))) + chunk("IEND", [])
}
