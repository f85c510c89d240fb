internal import Networks
internal import Torch
public import Training

/// A dropout layer whose probability followed the connections behind it.
public struct DropoutChange: Hashable, Sendable {
  /// The dropout's node.
  public var node: String
  /// The layers it feeds, whose connections were counted.
  public var listeners: [String]
  /// The probability before the removal.
  public var before: Double
  /// And after it.
  public var after: Double

  /// A change of these numbers.
  public init(node: String, listeners: [String], before: Double, after: Double) {
    self.node = node
    self.listeners = listeners
    self.before = before
    self.after = after
  }
}

extension Model {
  /// The model with every dropout lowered by what the layers it feeds have lost since `earlier`: D ← D·√(C/C_earlier) (Han et al. 2015).
  ///
  /// C is the number of kept weights of the layer behind the dropout, the next one with weights on the way forward (of several their sum):
  /// a thinner layer is regularised by its thinness already. Over rounds the factors multiply to √(C_r/C_o). The paper counts "the
  /// connections of layer i" without saying on which side of the dropout; ours are those that dropout silences. A dropout in front of
  /// layers without any weight left, or in front of none, stays as it is.
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
  /// Modules of the layers with weights that are next on the way forward from a node, each once, in the order of the nodes.
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
