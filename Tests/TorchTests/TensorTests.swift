import TestSupport
import Testing
import Torch

@Suite struct TensorTests {
  @Test func creation() throws {
    #expect(try Tensor([1, 2, 3, 4, 5, 6] as [Int32], shape: [3, 2]).shape == [3, 2])
    #expect(try Tensor.scalar(2.5).shape == [] && Tensor.scalar(2.5).item() == 2.5)
    #expect(try Tensor.full([2], 7, type: .int64).array() == [7, 7] as [Int64])
    #expect(try Tensor.zeros([2, 0]).count == 0 && Tensor.zeros([2, 0]).array(Float.self) == [])
    #expect(try Tensor.ones([2], type: .bool).array() == [true, true])
    #expect(try Tensor.range(4).array() == [0, 1, 2, 3] as [Int64])
    #expect(try Tensor.empty([3, 4], type: .uint8).byteCount == 12)
    let like = try Tensor([1, 2] as [Double]).fullLike(3)
    #expect(try like.elementType == .float64 && like.array() == [3, 3] as [Double])
    #expect(try Tensor.zeros([2, 3]).onesLike(type: .int32).elementType == .int32)
  }

  @Test(arguments: ElementType.allCases) func everyTypeGoesInAndOut(type: ElementType) throws {
    let tensor = try Tensor([0, 1, 1] as [UInt8]).cast(to: type)
    #expect(tensor.elementType == type && tensor.byteCount == 3 * type.size && tensor.device == .cpu)
    let bytes = try tensor.bytes()
    let again = try bytes.withUnsafeBytes { try Tensor(bytes: $0, shape: [3], type: type) }
    #expect(try again.doubles() == [0, 1, 1])
  }

  @Test func wrongTypesAndSizes() throws {
    let x = try Tensor([1, 2] as [Float])
    #expect(throws: TorchError("array: the tensor holds float32, not int64")) { try x.array(Int64.self) }
    #expect(throws: TorchError("from_data: the shape [3] of float32 needs 12 bytes, not 8")) { try Tensor([1, 2] as [Float], shape: [3]) }
    #expect(throws: TorchError("from_data: the shape [-1, -2] is impossible")) { try Tensor([1, 2] as [Float], shape: [-1, -2]) }
    let wrapping = [4_194_305, 4_194_305, 211_106_198_978_564]
    #expect(throws: TorchError("from_data: the shape \(wrapping) is impossible")) { try Tensor([1] as [Float], shape: wrapping) }
    #expect(throws: TorchError("withElements: needs dense float64 elements on the CPU")) { try x.withElements(Double.self) { _ in } }
    #expect(throws: TorchError("withElements: needs dense float32 elements on the CPU")) {
      try Tensor.zeros([2, 3]).transposed().withElements(Float.self) { _ in }
    }
  }

  @Test func layouts() throws {
    let x = try Tensor.range(24, type: .float32).reshaped([1, 2, 3, 4])
    let last = try x.channelsLast()
    #expect(x.isContiguous && !x.isChannelsLast && last.isChannelsLast && !last.isContiguous)
    #expect(try last.array(Float.self) == x.array(Float.self))
    #expect(try last.withElements(Float.self) { Array($0.prefix(4)) } == [0, 12, 1, 13])
    #expect(try last.copied().isChannelsLast && last.zerosLike().isChannelsLast && last.emptyLike().isChannelsLast)
    #expect(try last.contiguous().isContiguous)
    #expect(try Tensor.zeros([0]).withElements(Float.self) { $0.count } == 0)
  }

  @Test func changesInPlace() throws {
    let x = try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
    let view = try x.selected(0, 1)
    try view.fill(9)
    #expect(try x.array() == [1, 2, 9, 9] as [Float])
    try x.accumulate(Tensor([1, 1] as [Float]), scale: -2)
    #expect(try x.array() == [-1, 0, 7, 7] as [Float])
    try x.scale(by: Tensor([0, 2] as [Float]))
    #expect(try x.array() == [0, 0, 0, 14] as [Float])
    try x.fill(5, at: Tensor([0, 3] as [Int64]))
    #expect(try x.array() == [5, 0, 0, 5] as [Float])
    let copy = try x.copied()
    try copy.copy(from: Tensor.ones([2, 2]))
    #expect(try x.array() == [5, 0, 0, 5] as [Float] && copy.array() == [1, 1, 1, 1] as [Float])
    #expect(throws: TorchError.self) { try copy.copy(from: Tensor.ones([2])) }
    try x.detached().fill(0)
    #expect(try x.sum().item() == 0)
  }

  @Test func casts() throws {
    #expect(try Tensor([1.9, -1.9, 0]).cast(to: .int32).array() == [1, -1, 0] as [Int32])
    #expect(try Tensor([0, 2, -1] as [Float]).cast(to: .bool).array() == [false, true, true])
    #expect(try Tensor([0.1]).cast(to: .float32).array() == [0.1] as [Float])
  }
}

@Suite struct IndexingTests {
  private func grid() throws -> Tensor { try Tensor.range(6, type: .float32).reshaped([2, 3]) }

  @Test func shapes() throws {
    let x = try grid()
    #expect(try x.reshaped([3, -1]).shape == [3, 2])
    #expect(try x.transposed().array() == [0, 3, 1, 4, 2, 5] as [Float])
    #expect(try x.reshaped([1, 2, 3]).permuted([2, 0, 1]).shape == [3, 1, 2])
    #expect(try x.flattened().shape == [6] && x.reshaped([2, 3, 1]).flattened(from: 1).shape == [2, 3])
    #expect(try x.selected(0, 0).reshaped([1, 3]).expanded([2, 3]).array() == [0, 1, 2, 0, 1, 2] as [Float])
  }

  @Test func parts() throws {
    let x = try grid()
    #expect(try x.narrowed(1, from: 1, length: 2).array() == [1, 2, 4, 5] as [Float])
    #expect(try x.sliced(1, step: 2).array() == [0, 2, 3, 5] as [Float])
    #expect(try x.sliced(0, from: 1).array() == [3, 4, 5] as [Float])
    #expect(try x.selected(1, -1).array() == [2, 5] as [Float])
    #expect(try x.indexed(1, [2, 0, 2]).array() == [2, 0, 2, 5, 3, 5] as [Float])
    #expect(try x.indexed(0, [] as [Int]).shape == [0, 3])
    #expect(try x.gathered(1, Tensor([2, 0] as [Int64], shape: [2, 1])).array() == [2, 3] as [Float])
    #expect(try x.padded([1, 0, 0, 1]).array() == [0, 0, 1, 2, 0, 3, 4, 5, 0, 0, 0, 0] as [Float])
  }

  @Test func joins() throws {
    let x = try grid()
    #expect(try Tensor.concatenated([x, x]).shape == [4, 3] && Tensor.concatenated([x, x], 1).shape == [2, 6])
    #expect(try Tensor.stacked([x, x]).shape == [2, 2, 3])
    #expect(try Tensor.stacked([Tensor.scalar(1), Tensor.scalar(2)]).array() == [1, 2] as [Float])
  }
}
