internal import Files
internal import Foundation
public import Networks
public import Torch
public import Training
internal import Words

/// A network of an ONNX model, and where its weights are.
///
/// ONNX's operations become those of ``Network``: formulas that exporters spread over several nodes (SiLU, GELU, biases of `MatMul`,
/// shapes that are computed) become one, and what is left for inference only (a last softmax) is left off and noted. A model that holds
/// anything else is refused, with all that is not understood in one line.
///
/// ```swift
/// let imported = try ImportedNetwork(contentsOf: "resnet20.onnx")
/// let model = try imported.model()
/// ```
public struct ImportedNetwork {
  /// The network, named after the file.
  public let network: Network
  /// Name of the network's first input in the file.
  public let inputName: String
  /// Names of the network's outputs in the file, in the order of ``network``'s.
  public let outputNames: [String]
  /// What the file called its inputs and outputs, and said of itself.
  public let origin: ONNXOrigin
  /// How inputs become the network's, if the file says it as ``ONNXExport`` does; nil if it does not.
  public let preprocessing: Preprocessing?
  /// Names of the classifier's outputs, in order, if the file says them so; empty if it does not.
  public let classes: [String]
  /// What a user should know, one line each.
  public let notes: [String]
  private let inputOrders: [[Int]]
  private let outputViews: [View]
  private let path: String
  private let weights: [ParameterName: Weight]

  /// Reads the graph of a model, without its weights.
  ///
  /// - Parameter input: the shape of examples, where the file leaves height and width open or the network shall take another size; nil for
  ///   the file's own.
  /// - Throws: ``InterchangeError`` for a file that is damaged, hostile or holds what is not understood; `FileError` if it cannot be opened.
  public init(contentsOf path: String, input: FeatureShape? = nil) throws {
    let graph = try ONNXGraph(contentsOf: path)
    let axes: (inputs: [String], outputs: [String])
    (network, inputName, outputNames, notes, weights, inputOrders, outputViews, axes) = try Self.naming(path) {
      let lowering = try Lowering(graph, input: input)
      let file = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
      let network = Network(name: Names.printable(file), nodes: lowering.network.nodes, outputs: lowering.outputs)
      _ = try network.shapes()
      return (
        network, graph.inputs.first?.name ?? "", lowering.outputNames, lowering.notes, lowering.network.weights, lowering.inputOrders,
        lowering.outputViews, (lowering.inputAxes, lowering.outputAxes)
      )
    }
    self.path = path
    func told<Value: Decodable>(_ type: Value.Type, _ key: String) -> Value? {
      graph.metadata[key].flatMap { try? JSONDecoder().decode(type, from: Data($0.utf8)) }
    }
    // What does not fit was meant for something else.
    let own = network
    preprocessing = try told(Preprocessing.self, "preprocessing").flatMap { try $0.problem(for: own) == nil ? $0 : nil }
    classes = try told([String].self, "classes").flatMap { $0.count == (try own.classes) ? $0 : nil } ?? []
    func kept(_ axes: [String]) -> [String]? { axes.allSatisfy(["NCHW", "NC"].contains) ? nil : axes }
    // What was understood goes its own way, and may change.
    let understood = (preprocessing == nil ? [] : ["preprocessing"]) + (classes.isEmpty ? [] : ["classes"])
    origin = ONNXOrigin(
      inputs: graph.inputs.map(\.name), outputs: outputNames, producer: graph.producer, documentation: graph.documentation,
      metadata: graph.metadata.filter { !understood.contains($0.key) }, inputAxes: kept(axes.inputs),
      outputAxes: kept(axes.outputs))
  }

  /// Reads the weights, as float32; each parameter is a tensor of its own, whatever the file shares.
  ///
  /// - Throws: ``InterchangeError``, also for weights that are NaN or infinite.
  public func model() throws -> Model {
    try Self.naming(path) {
      try checkSharing()
      var tensors: [ParameterName: Tensor] = [:]
      for (name, dimensions) in try network.parameterShapes() {
        guard let weight = weights[name] else { throw FileProblem("\(name) is missing") }
        tensors[name] = try weight.load(as: dimensions)
      }
      let model = try Model(network: network, tensors: tensors)
      if let problem = try model.problemWithNumbers() { throw FileProblem(problem) }
      return model
    }
  }

  /// Returns a batch as the file takes it as the network does: channels before positions, sequences as images of one row.
  ///
  /// - Throws: `TorchError` for another number of axes.
  public func networksInput(_ batch: Tensor, at index: Int = 0) throws -> Tensor {
    let turned = try batch.permuted(inputOrders[index])
    return try turned.rank == 3 ? turned.reshaped([turned.shape[0], turned.shape[1], 1, turned.shape[2]]) : turned
  }

  /// Returns an output of the network with the axes that it has in the file.
  public func filesOutput(_ values: Tensor, at index: Int = 0) throws -> Tensor { try outputViews[index].seen(values) }

  /// Refuses a short file that would fill the memory with one constant, as the weights of thousands of layers.
  private func checkSharing() throws {
    func bytes(_ weights: some Collection<Weight>) -> Int { weights.reduce(0) { $0 + $1.tensor.count * MemoryLayout<Float>.size } }
    let distinct = Dictionary(weights.values.map { ($0.tensor.name, $0) }, uniquingKeysWith: { first, _ in first })
    let (all, stored) = (bytes(weights.values), bytes(distinct.values))
    guard all <= 32 * stored + 1 << 26 else {
      throw FileProblem("its layers share constants of \(stored) bytes, which would be \(all) as parameters of each")
    }
  }

  /// Names of the ONNX operations that are read, each in the forms that a network has for it; formulas and the arithmetic of shapes are made of
  /// others, too.
  public static var operations: [String] { Lowering.rules.keys.sorted() }

  /// Whether a model's first input is a sequence, [batch, channels, length] or with the channels last, whatever sizes the file leaves open.
  ///
  /// - Throws: ``InterchangeError`` for a file that is no model; `FileError` if it cannot be opened.
  public static func takesSequences(_ path: String) throws -> Bool { try ONNXGraph(contentsOf: path).inputs.first?.dimensions?.count == 3 }

  /// Whether a path leads to an ONNX model, by its ending or its first bytes: the version of the format, then the producer's name or the
  /// graph.
  public static func isOne(_ path: String) -> Bool {
    if path.lowercased().hasSuffix(".onnx") { return true }
    var head = [UInt8](repeating: 0, count: 5)
    guard let file = try? RegularFile(path), (try? head.withUnsafeMutableBytes({ try file.fill($0, at: 0) })) != nil else { return false }
    return head[0] == 0x08 && (1...32).contains(head[1]) && (head[2] == 0x12 || head[2] == 0x3A) && head[4] != 0
  }

  private static func naming<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let problem as FileProblem {
      throw InterchangeError.reading(path: path, problem: problem.text)
    } catch let error as FileError {
      throw InterchangeError.reading(path: path, problem: error.problem)
    } catch let error as NetworkError {
      throw InterchangeError.reading(path: path, problem: error.description)
    } catch let error as ModelError {
      throw InterchangeError.reading(path: path, problem: error.description)
    } catch let refusal as Refusal {
      throw InterchangeError.reading(path: path, problem: "it is not understood: \(refusal.text)")
    } catch let error as TorchError where !error.isOutOfMemory {
      throw InterchangeError.reading(path: path, problem: error.description.inLine)
    }
  }
}
