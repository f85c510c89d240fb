import Foundation
import Testing
import TestSupport

@testable import Datasets

/// JPEG and PNG files of every kind against Pillow (Tests/Reference/images.py).
@Suite struct ImageFileTests {
  private struct Case: Decodable {
    var name: String
    var file: Data
    var shape: [Int]
    var expected: [Int]
  }

  private func cases() throws -> [Case] { try JSONDecoder().decode([Case].self, from: Data(contentsOf: reference("images.json"))) }

  private func decoded(_ path: String, _ shape: [Int]) throws -> [Int] {
    var pixels = [UInt8](repeating: 0, count: shape.reduce(1, *))
    try pixels.withUnsafeMutableBytes { try ImageFiles(paths: [path], shape: shape).read(0, into: $0) }
    return pixels.map(Int.init)
  }

  @Test func everyKindIsDecodedAsByPillow() throws {
    let folder = try TemporaryFolder()
    for image in try cases() {
      let path = try folder.write("image", [UInt8](image.file))
      let differences = zip(try decoded(path, image.shape), image.expected).map { abs($0 - $1) }
      let size = image.shape[1] * image.shape[2]
      let isWhole = [24 * 16, 12 * 20, 9 * 7].contains(size) && image.name != "jpeg large"
      // Scaled, values are rounded elsewhere; a JPEG that is decoded at a fraction of its size is averaged by another filter.
      let most = isWhole ? 0 : image.name.hasPrefix("png") || size == 32 * 32 ? 1 : 8
      let mean = Double(differences.reduce(0, +)) / Double(differences.count)
      #expect(differences.count == image.expected.count && differences.allSatisfy { $0 <= most }, "\(image.name) \(image.shape)")
      #expect(mean <= 1.2, "\(image.name) \(image.shape): \(mean)")
    }
  }

  /// Cut anywhere or changed at random, a file is refused or decoded, and takes neither time nor memory.
  @Test func damagedFilesAreErrors() throws {
    let folder = try TemporaryFolder()
    let images = try cases().filter { ["jpeg", "jpeg progressive", "jpeg cmyk", "png", "png palette"].contains($0.name) }
    var refused = 0
    for (number, image) in images.enumerated() {
      var generator = SeededGenerator(seed: UInt64(number))
      for attempt in 0..<40 {
        var bytes = [UInt8](image.file)
        if attempt % 2 == 0 { bytes.removeLast(Int(generator.next(below: UInt64(bytes.count)))) }
        for _ in 0..<attempt % 5 { bytes[Int(generator.next(below: UInt64(bytes.count)))] = UInt8(generator.next(below: 256)) }
        let path = try folder.write("image", bytes)
        do { _ = try decoded(path, [3, 8, 8]) } catch DatasetError.badFile(let named, let problem) {
          refused += 1
          #expect(named == path && !problem.isEmpty && !problem.contains("\n"))
        }
      }
    }
    #expect(refused > images.count * 20)
  }

  @Test func whatIsRefused() throws {
    let folder = try TemporaryFolder()
    func problem(_ bytes: [UInt8], _ shape: [Int] = [3, 8, 8]) throws -> String {
      let path = try folder.write("image.png", bytes)
      let text = message { _ = try decoded(path, shape) }
      // The head alone says the same, or nothing.
      let head = message { try ImageFiles(paths: [path], shape: shape).check(0) }
      #expect(head == text || head == "no error")
      return String(text.dropFirst(path.count + 2))
    }
    #expect(try problem([]) == "it is empty")
    #expect(try problem(Array("GIF89a".utf8)) == "it is neither a JPEG nor a PNG image")
    let huge = try png(width: 100_000, height: 100_000, [0, 1, 2])
    #expect(try problem(huge) == "an image of 100000×100000 pixels: at most 67108864 are possible")
    #expect(
      try problem(png(width: 8000, height: 8000, [0, 1, 2])) == "it says that it holds more pixels than a file of its size can")
    #expect(try problem(png(width: 0, height: 4, [])).isEmpty == false)
    let jpeg = [UInt8](try #require(try cases().first { $0.name == "jpeg" }?.file))
    #expect(try problem(Array(jpeg.prefix(jpeg.count * 2 / 3))) == "Premature end of JPEG file")
    #expect(message { _ = try decoded("\(folder.path)/none", [3, 8, 8]) } == "\(folder.path)/none: No such file or directory")
  }
}
