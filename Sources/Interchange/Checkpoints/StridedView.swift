internal import Files
internal import Torch
internal import Words

/// A tensor as a checkpoint describes it: a view of a storage.
struct StridedView: Hashable {
  /// The storage's name in the file.
  let key: String
  /// The elements' type; nil if it is none that files of ours have.
  let type: StoredType?
  /// The type as an error names it.
  let typeName: String
  let shape: [Int]
  /// Elements from an index of each dimension to the next.
  let strides: [Int]
  /// Index of the first element in what the file holds under the key.
  let offset: Int

  /// Checks a description against the size of its storage: every element must lie within, and there must not be more of them than it has.
  ///
  /// - Parameter type: the type that the tensor names itself; nil for that of its storage.
  init(_ storage: PickleStorage, offset: Int, shape: [Int], strides: [Int], type named: String?) throws {
    func bad(_ problem: String) -> CheckpointProblem { CheckpointProblem("a tensor of shape \(Self.words(shape)) \(problem)") }
    let type = named.map(PickleStorage.type) ?? storage.type
    guard shape.count <= TensorArchive.maximumRank else { throw bad("has more than \(TensorArchive.maximumRank) dimensions") }
    guard shape.count == strides.count else { throw bad("has \(strides.count) strides") }
    guard shape.allSatisfy({ $0 >= 0 }) else { throw bad("has a negative size") }
    guard offset >= 0, strides.allSatisfy({ $0 >= 0 }) else { throw bad("has negative strides or a negative offset") }
    // Of a type that nobody reads, only name and shape are kept.
    let available = storage.isUntyped ? storage.count / max((type?.bits ?? 8) / 8, 1) : storage.count
    let product = shape.reduce((partialValue: 1, overflow: false)) { total, size in
      // As if no size were 0: the products of all sizes are strides of other programs.
      let next = total.partialValue.multipliedReportingOverflow(by: max(size, 1))
      return (next.partialValue, total.overflow || next.overflow)
    }
    guard !product.overflow else { throw bad("is larger than any machine can hold") }
    let isEmpty = shape.contains(0)
    guard isEmpty || product.partialValue <= available else {
      throw bad("has \(product.partialValue) elements, and its storage \(available)")
    }
    if !isEmpty, type != nil {
      var last = offset
      for (size, stride) in zip(shape, strides) where size > 1 {
        let (reach, overflow) = stride.multipliedReportingOverflow(by: size - 1)
        let (sum, tooFar) = last.addingReportingOverflow(reach)
        guard !overflow, !tooFar else { throw bad("goes beyond its storage of \(available) elements") }
        last = sum
      }
      guard last < available else { throw bad("goes beyond its storage of \(available) elements") }
    }
    let (begin, overflow) = storage.start.addingReportingOverflow(offset)
    guard !overflow else { throw bad("goes beyond its storage of \(available) elements") }
    (key, self.type, typeName) = (storage.key, type, type?.rawValue ?? named ?? storage.typeName)
    (self.shape, self.strides, self.offset) = (shape, strides, begin)
  }

  private static func words(_ shape: [Int]) -> String { shape.count <= 8 ? "\(shape)" : "\(shape.prefix(8))..." }

  /// Number of elements.
  var count: Int { shape.reduce(1, *) }

  /// Number of elements from the first to the last of the view; those between that belong to others are read, too.
  var span: Int { shape.contains(0) ? 0 : zip(shape, strides).reduce(1) { $0 + ($1.0 - 1) * $1.1 } }

  /// Reads the elements, row-major.
  ///
  /// - Parameters:
  ///   - type: the elements' type.
  ///   - storage: where in the file the storage lies.
  func read(as type: StoredType, from file: RegularFile, _ storage: Range<Int>) throws -> Tensor {
    let size = type.bits / 8
    guard !shape.contains(0) else { return try .empty(shape, type: type.elementType ?? .float32) }
    guard storage.count / size >= offset + span else {
      throw CheckpointProblem(
        "storage \(key.quoted) has \(storage.count) bytes, and a tensor of shape \(shape) reaches to element \(offset + span)")
    }
    let position = storage.lowerBound + offset * size
    if isRowMajor { return try TensorArchive.tensor(shape, as: type, in: file, at: position) }
    // Dimensions by falling stride: what is dense then, as a transposed matrix is, needs no gaps read.
    let dims = shape.indices.sorted { (strides[$1], $0) < (strides[$0], $1) }
    if let dense = permuted(dims), dense.isRowMajor {
      let inverse = shape.indices.map { dim in dims.firstIndex(of: dim) ?? dim }
      return try TensorArchive.tensor(dense.shape, as: type, in: file, at: position).permuted(inverse).contiguous()
    }
    let whole = try TensorArchive.tensor([span], as: type, in: file, at: position)
    return try whole.indexed(0, places).reshaped(shape)
  }

  /// Whether the elements lie one after the other.
  private var isRowMajor: Bool {
    var expected = 1
    for (size, stride) in zip(shape, strides).reversed() where size != 1 {
      guard stride == expected else { return false }
      expected *= size
    }
    return true
  }

  private func permuted(_ dims: [Int]) -> StridedView? {
    try? StridedView(
      PickleStorage(key: key, type: type, typeName: typeName, isUntyped: false, count: .max), offset: offset,
      shape: dims.map { shape[$0] }, strides: dims.map { strides[$0] }, type: nil)
  }

  /// Distance of each element from the first, row-major.
  private var places: [Int] {
    var places = [0]
    for (size, stride) in zip(shape, strides) { places = places.flatMap { place in (0..<size).map { place + $0 * stride } } }
    return places
  }
}
