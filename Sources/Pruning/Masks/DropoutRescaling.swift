internal import Networks
internal import Torch
public import Training

/// The change of a dropout layer's probability after a removal of weights.
public struct DropoutChange: Hashable, Sendable {
  /// Name of the dropout node.
  public var node: String
  /// Modules of the layers that the dropout feeds, whose connections were counted.
  public var listeners: [String]
  /// Probability before the removal.
  public var before: Double
  /// Probability after the removal.
  public var after: Double

  /// Creates a change; every parameter sets the property of the same name.
  public init(node: String, listeners: [String], before: Double, after: Double) {
    self.node = node
    self.listeners = listeners
    self.before = before
    self.after = after
  }
}

extension Model {
  /// Returns the model with the probability of every dropout lowered by the loss of connections since `earlier`: D ← D·√(C/C_earlier) (Han
  /// et al. 2015).
  ///
  /// C is the number of kept weights in the next layer with weights that the dropout feeds, or their sum if there are several: a sparser
  /// layer is already regularised by its sparsity. Over rounds the factors multiply to √(C_r/C_o). The paper counts "the connections of
  /// layer i" without saying on which side of the dropout; we count those that the dropout silences. A dropout that feeds no such layer, or
  /// only layers without any weight left, stays as it is.
  /// - Returns: the model, and the changed dropouts in the order of the nodes.
  public func rescalingDropout(from earlier: Model) throws -> (model: Model, changes: [DropoutChange]) {
    func counts(_ model: Model) throws -> [String: Int] {
      Dictionary(try MaskSet(model).layers.map { ($0.name, $0.kept) }, uniquingKeysWith: { first, _ in first })
    }
    let (now, then) = (try counts(self), try counts(earlier))
    var model = self
    var changes: [DropoutChange] = []
    let readers = NetworkIndex(network)
    for (index, node) in network.nodes.enumerated() {
      guard case .dropout(let probability) = node.operation else { continue }
      let listeners = readers.listeners(of: index)
      let (left, was) = listeners.reduce((0, 0)) { ($0.0 + (now[$1] ?? 0), $0.1 + (then[$1] ?? 0)) }
      guard was > 0, left > 0, left != was else { continue }
      let rescaled = probability * (Double(left) / Double(was)).squareRoot()
      model.network.nodes[index].operation = .dropout(rescaled)
      changes.append(DropoutChange(node: node.name, listeners: listeners, before: probability, after: rescaled))
    }
    return (model, changes)
  }
}

extension NetworkIndex {
  /// Returns the modules of the next layers with weights that a node feeds, each once, in the order of the nodes.
  fileprivate func listeners(of place: Int) -> [String] {
    var (open, reached): ([Int], Set<Int>) = ([place], [])
    while let next = open.popLast() {
      for reader in readers(of: next) where reached.insert(reader).inserted {
        switch network.nodes[reader].operation {
        case .linear, .convolution: break
        default: open.append(reader)
        }
      }
    }
    var found: Set<String> = []
    return reached.sorted().compactMap { place in
      let node = network.nodes[place]
      switch node.operation {
      case .linear, .convolution: return found.insert(node.module).inserted ? node.module : nil
      default: return nil
      }
    }
  }
}
