import Testing
import Torch

@Suite struct ImageAssemblyTests {
  /// Two images of two channels, 2 × 3: bytes 0…11 and 100…111.
  private static let images: [UInt8] = Array(0...11) + Array(100...111)

  /// mean 0 and deviation 1/255 turn bytes into themselves, up to the fill, which is 0.
  private func assemble(
    _ indices: [Int64], _ placement: ImageAssembly.Placement? = nil, channelsLast: Bool = false, mean: [Float] = [0, 0]
  ) throws -> [Float] {
    let assembly = ImageAssembly(channels: 2, height: 2, width: 3, mean: mean, deviation: [1 / 255, 1 / 255], channelsLast: channelsLast)
    var out = [Float](repeating: -1, count: indices.count * 12)
    try Self.images.withUnsafeBufferPointer { images in
      try out.withUnsafeMutableBufferPointer { try assembly.assemble(images, indices: indices, placement: placement, into: $0) }
    }
    return out.map { ($0 * 64).rounded() / 64 }
  }

  @Test func plain() throws {
    #expect(try assemble([1, 0]) == (Array(100...111) + Array(0...11)).map(Float.init))
    #expect(try assemble([]) == [])
  }

  @Test func channelsLast() throws {
    #expect(try assemble([0], channelsLast: true) == [0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11])
  }

  @Test func cropsAndMirrors() throws {
    // The crop's corner one row below and one column left of the image's.
    let shifted = ImageAssembly.Placement(dy: [1], dx: [-1], mirrored: [0])
    #expect(try assemble([0], shifted) == [0, 3, 4, 0, 0, 0, 0, 9, 10, 0, 0, 0])
    let mirrored = ImageAssembly.Placement(dy: [0], dx: [0], mirrored: [1])
    #expect(try assemble([0], mirrored) == [2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9])
    // Crop first, then mirror, as torchvision composes them.
    let both = ImageAssembly.Placement(dy: [1], dx: [-1], mirrored: [1])
    #expect(try assemble([0], both) == [4, 3, 0, 0, 0, 0, 10, 9, 0, 0, 0, 0])
    #expect(try assemble([0], both, channelsLast: true) == [4, 10, 3, 9, 0, 0, 0, 0, 0, 0, 0, 0])
    let away = ImageAssembly.Placement(dy: [.max, .min], dx: [.min, .max], mirrored: [0, 1])
    #expect(try assemble([0, 1], away) == [Float](repeating: 0, count: 24))
  }

  @Test func normalises() throws {
    let assembly = ImageAssembly(channels: 1, height: 1, width: 2, mean: [0.5], deviation: [0.25], channelsLast: false)
    #expect(assembly.table[0] == -2 && assembly.table[255] == 2 && assembly.fill == [-2])
    var out = [Float](repeating: 9, count: 2)
    try ([0, 255] as [UInt8]).withUnsafeBufferPointer { images in
      try out.withUnsafeMutableBufferPointer {
        try assembly.assemble(images, indices: [0], placement: .init(dy: [0], dx: [1], mirrored: [0]), into: $0)
      }
    }
    #expect(out == [2, -2])
  }

  @Test func errors() throws {
    for index: Int64 in [-1, 2, .max, .min] {
      #expect(throws: TorchError("assemble_images: an index lies outside the data set")) { try assemble([0, index]) }
    }
    #expect(throws: TorchError("assemble_images: one placement per image is needed")) {
      try assemble([0, 1], .init(dy: [0], dx: [0], mirrored: [0]))
    }
    let assembly = ImageAssembly(channels: 1, height: 1, width: 2, mean: [0], deviation: [1], channelsLast: false)
    #expect(throws: TorchError("assemble_images: the output is too small")) {
      var out = [Float](repeating: 0, count: 1)
      try ([1, 2] as [UInt8]).withUnsafeBufferPointer { images in
        try out.withUnsafeMutableBufferPointer { try assembly.assemble(images, indices: [0], into: $0) }
      }
    }
  }
}
