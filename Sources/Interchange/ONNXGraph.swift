internal import Files
internal import Foundation
internal import SwiftProtobuf
internal import Words

/// The graph of an ONNX model as it stands in the file: nodes in their order, constants, inputs and outputs.
package struct ONNXGraph {
  struct Node {
    /// Name of the node; often empty.
    var name: String
    /// Name of the operation, e.g. `Conv`.
    var operation: String
    /// The domain of the operation; empty for ONNX's own.
    var domain: String
    /// Names of the values that it reads; an empty one stands for an optional input that is left out.
    var inputs: [String]
    /// Names of the values that it writes.
    var outputs: [String]
    var attributes: [String: ONNXAttributeProto]

    /// The node's name, or where it has none that of its first output.
    var words: String { name.isEmpty ? outputs.first ?? "" : name }
  }

  /// An input that is no constant.
  package struct Input {
    /// The name in the file.
    package var name: String
    /// Element type, with the format's number.
    var element: Int32
    /// Sizes, the batch's first; nil where a size varies, and nil altogether where nothing is known.
    var dimensions: [Int?]?
  }

  var nodes: [Node] = []
  var constants: [String: ONNXTensor] = [:]
  /// Inputs that are no constants.
  package var inputs: [Input] = []
  /// Names of the outputs.
  package var outputs: [String] = []
  /// Version of ONNX's own operations.
  var opset = 0
  /// Texts that the file carries along, by their keys.
  var metadata: [String: String] = [:]
  /// Who wrote the file, with a version, and what it says of itself; empty if it does not.
  var (producer, documentation) = ("", "")
  /// How often each value is read, by nodes or as an output.
  var uses: [String: Int] = [:]
  /// The node that writes a value, by its place.
  private var writers: [String: Int] = [:]

  /// The most nodes: the largest of torchvision's networks has some 5,000.
  static let mostNodes = 100_000
  /// The most inputs that are no constants.
  static let mostInputs = 1024
  /// The most bytes of everything but the weights.
  static let mostBytes = 1 << 28
  /// The most bytes of what becomes many times larger in memory: numbers of a byte each, texts.
  static let mostSmallBytes = 1 << 25

  /// The most elements of all sparse constants together: a file can name more than it holds.
  static let mostSparseElements = 1 << 29

  /// Reads a file without trusting it: sizes are checked against the file's own before anything is allocated, and nothing in it is executed.
  ///
  /// - Throws: ``InterchangeError``, and `FileError` for a file that cannot be opened.
  package init(contentsOf path: String) throws {
    let file = try RegularFile(path)
    do { try self.init(file) } catch let problem as FileProblem {
      throw InterchangeError.reading(path: path, problem: problem.text)
    } catch let error as FileError {
      throw InterchangeError.reading(path: path, problem: error.problem)
    }
  }

  private init(_ file: RegularFile) throws {
    let folder = (file.path as NSString).deletingLastPathComponent
    guard file.size > 0 else { throw FileProblem("it is empty") }
    var (model, graph) = (Pieces(), Pieces())
    var stored: [(whole: Pieces, raw: Range<Int>?)] = []
    var (nodeCount, hasGraph, small) = (0, false, 0)
    var reader = WireReader(file)
    try reader.forEachField(in: 0..<file.size) { reader, field in
      if [1, 2, 3, 6, 8, 14].contains(field.number) { try model.append(field.whole, &small) }
      guard field.number == 7, field.isDelimited else { return }
      hasGraph = true
      try reader.forEachField(in: field.content) { reader, field in
        switch field.number {
        case 1:
          nodeCount += 1
          guard nodeCount <= Self.mostNodes else { throw FileProblem("it has more than \(Self.mostNodes) nodes") }
          try graph.append(field.whole, &small, raw: field.isDelimited ? Self.rawBytes(of: field, &reader) : 0)
        case 5 where field.isDelimited:
          guard stored.count < 65_536 else { throw FileProblem("it has more than 65536 constants") }
          var (rest, raw) = (Pieces(), Range<Int>?.none)
          try reader.forEachField(in: field.content) { _, field in
            // Packed floats are the same bytes as raw ones.
            guard field.number == 9 || field.number == 4, field.isDelimited else { return try rest.append(field.whole, &small) }
            guard raw == nil else { throw FileProblem("it has a constant in several pieces") }
            raw = field.content
          }
          stored.append((rest, raw))
        case 11, 12:
          guard field.content.count <= 1 << 16 else {
            throw FileProblem("an input or output has a description of \(field.content.count) bytes")
          }
          try graph.append(field.whole, &small)
        case 15:
          var raw = 0
          try reader.forEachField(in: field.content) { reader, part in
            guard part.number <= 2, part.isDelimited else { return }
            try reader.forEachField(in: part.content) { _, field in if field.number == 9 { raw += field.content.count } }
          }
          try graph.append(field.whole, &small, raw: raw)
        default: break
        }
      }
    }
    guard hasGraph else { throw WireReader.damaged }
    let header = try ONNXModelProto(parsing: model, of: file)
    opset = Int(clamping: header.opsetImport.first { $0.domain.isEmpty || $0.domain == "ai.onnx" }?.version ?? 1)
    metadata = Dictionary(header.metadataProps.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    producer = [header.producerName, header.producerVersion].filter { !$0.isEmpty }.joined(separator: " ")
    documentation = header.docString
    for (pieces, raw) in stored {
      let proto = try ONNXTensorProto(parsing: pieces, of: file)
      let tensor = try ONNXTensor(proto, name: proto.name, raw: raw.map { (file, $0) }, folder: folder)
      guard constants.updateValue(tensor, forKey: proto.name) == nil else {
        throw FileProblem("two constants are named \(proto.name.quoted)")
      }
    }
    let proto = try ONNXGraphProto(parsing: graph, of: file)
    try takeSparse(proto.sparseInitializer)
    try take(proto, folder)
    try check()
  }

  private mutating func takeSparse(_ protos: [ONNXSparseTensorProto]) throws {
    var room = Self.mostSparseElements
    for proto in protos {
      let tensor = try ONNXTensor(proto)
      room -= min(tensor.count, room + 1)
      guard room >= 0 else { throw FileProblem("its sparse constants have more than \(Self.mostSparseElements) elements") }
      guard constants.updateValue(tensor, forKey: tensor.name) == nil else {
        throw FileProblem("two constants are named \(tensor.name.quoted)")
      }
    }
  }

  /// Counts the fields of a node, each of which takes many times its bytes once it is parsed, and returns the bytes of its raw tensors.
  private static func rawBytes(of node: WireReader.Field, _ reader: inout WireReader) throws -> Int {
    var raw = 0
    try reader.forEachField(in: node.content) { reader, attribute in
      guard attribute.number == 5, attribute.isDelimited else { return }
      try reader.forEachField(in: attribute.content) { reader, tensor in
        guard tensor.number == 5, tensor.isDelimited else { return }
        try reader.forEachField(in: tensor.content) { _, field in if field.number == 9 { raw += field.content.count } }
      }
    }
    return raw
  }

  private mutating func take(_ graph: ONNXGraphProto, _ folder: String) throws {
    for input in graph.input where constants[input.name] == nil {
      guard inputs.count < Self.mostInputs else { throw FileProblem("it has more than \(Self.mostInputs) inputs") }
      let type = input.type.tensorType
      inputs.append(
        Input(
          name: input.name, element: type.elemType,
          dimensions: type.hasShape
            ? type.shape.dim.map { if case .dimValue(let size)? = $0.value, size > 0 { Int(clamping: size) } else { nil } } : nil))
    }
    outputs = graph.output.map(\.name)
    nodes.reserveCapacity(graph.node.count)
    for proto in graph.node {
      let node = Node(
        name: proto.name, operation: proto.opType, domain: proto.domain == "ai.onnx" ? "" : proto.domain, inputs: proto.input,
        outputs: proto.output,
        attributes: Dictionary(proto.attribute.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first }))
      guard node.operation == "Constant", node.domain.isEmpty, let output = node.outputs.first else {
        nodes.append(passing(node))
        continue
      }
      guard constants[output] == nil else { throw FileProblem("two values are named \(output.quoted)") }
      constants[output] = try node.constant(named: output, folder)
    }
  }

  /// The node, or if it only makes a float16 network of a float32 one at its inputs and outputs, one that does nothing.
  private func passing(_ node: Node) -> Node {
    guard node.operation == "Cast", node.domain.isEmpty, [1, 10].contains(node.attributes["to"]?.i),
      let input = node.inputs.first, let output = node.outputs.first,
      outputs.contains(output) || inputs.contains(where: { $0.name == input && [1, 10].contains($0.element) })
    else { return node }
    var node = node
    (node.operation, node.attributes) = ("Identity", [:])
    return node
  }

  /// The node that writes a value; nil for inputs and constants.
  func writer(of name: String) -> Node? { writers[name].map { nodes[$0] } }

  /// Checks that every value is written once, and before it is read.
  private mutating func check() throws {
    var written = Set(constants.keys)
    for input in inputs {
      guard written.insert(input.name).inserted else { throw FileProblem("two values are named \(input.name.quoted)") }
    }
    for (place, node) in nodes.enumerated() {
      for input in node.inputs where !input.isEmpty {
        guard written.contains(input) else {
          let isLater = nodes.contains { $0.outputs.contains(input) }
          throw FileProblem(
            "node \(node.words.quoted) reads \(input.quoted), which "
              + (isLater ? "is written only later: its nodes form a cycle, or are not in order" : "nothing writes"))
        }
        uses[input, default: 0] += 1
      }
      for output in node.outputs where !output.isEmpty {
        guard written.insert(output).inserted else { throw FileProblem("two values are named \(output.quoted)") }
        writers[output] = place
      }
    }
    guard !outputs.isEmpty else { throw FileProblem("it has no outputs") }
    for output in outputs {
      guard written.contains(output) else { throw FileProblem("its output \(output.quoted) is written by no node") }
      uses[output, default: 0] += 1
    }
  }
}

extension ONNXGraph.Node {
  /// Returns the value of a `Constant` node.
  fileprivate func constant(named output: String, _ folder: String) throws -> ONNXTensor {
    func constant(_ numbers: [Double], isInteger: Bool, isScalar: Bool) -> ONNXTensor {
      ONNXTensor(output, dimensions: isScalar ? [] : [numbers.count], numbers: numbers, isInteger: isInteger)
    }
    if let value = attributes["value"] { return try ONNXTensor(value.t, name: output, raw: nil, folder: folder) }
    if let value = attributes["value_float"] { return constant([Double(value.f)], isInteger: false, isScalar: true) }
    if let value = attributes["value_int"] { return constant([Double(value.i)], isInteger: true, isScalar: true) }
    if let value = attributes["value_floats"] { return constant(value.floats.map(Double.init), isInteger: false, isScalar: false) }
    if let value = attributes["value_ints"] { return constant(value.ints.map(Double.init), isInteger: true, isScalar: false) }
    throw FileProblem("constant \(output.quoted): its value is of a kind that is not understood")
  }
}

/// Parts of a file that are read as one.
private struct Pieces {
  var ranges: [Range<Int>] = []
  var count = 0

  /// - Parameters:
  ///   - small: bytes that are no weights so far, in all pieces.
  ///   - raw: how many of the bytes are weights.
  mutating func append(_ range: Range<Int>, _ small: inout Int, raw: Int = 0) throws {
    count += range.count
    small += range.count - raw
    for (bytes, most) in [(count, ONNXGraph.mostBytes), (small, ONNXGraph.mostSmallBytes)] where bytes > most {
      throw FileProblem("without its weights it has more than \(most) bytes")
    }
    if let last = ranges.last, last.upperBound == range.lowerBound {
      ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
    } else {
      ranges.append(range)
    }
  }
}

extension Message {
  /// Parses the parts of a file as one message.
  fileprivate init(parsing pieces: Pieces, of file: RegularFile) throws {
    var data = Data(count: pieces.count)
    try data.withUnsafeMutableBytes { buffer in
      var done = 0
      for range in pieces.ranges {
        try file.fill(UnsafeMutableRawBufferPointer(rebasing: buffer[done..<(done + range.count)]), at: range.lowerBound)
        done += range.count
      }
    }
    var options = BinaryDecodingOptions()
    options.discardUnknownFields = true
    do { try self.init(serializedBytes: data, options: options) } catch { throw WireReader.damaged }
  }
}
