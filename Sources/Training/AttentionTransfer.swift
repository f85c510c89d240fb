public import Networks
internal import Torch

/// Where a student and its teacher look: nodes whose maps of attention are compared (Zagoruyko & Komodakis, *Paying More Attention to
/// Attention*, 2017).
///
/// A map tells where in an image features are large, whatever their number (`Tensor.attentionMap()`), so that networks of any widths can be
/// compared; with images of several sizes in a network, as its stages have them, the last node of each size is. The loss is
/// β·Σ mean((s − t)²) over those nodes, the mean being that of the authors' code over batch and positions.
struct AttentionTransfer {
  /// The teacher's nodes, by the student's.
  private let teachers: [String: String]
  /// The student's nodes.
  let nodes: Set<String>
  /// The teacher's nodes.
  let teachersNodes: Set<String>

  /// - Throws: `PlanError` if the two networks have no size of images of several positions in common.
  init(from teacher: Network, to student: Network) throws {
    let (its, own) = (try teacher.lastNodes(), try student.lastNodes())
    teachers = Dictionary(
      own.compactMap { size, node in its[size].map { (node, $0) } }, uniquingKeysWith: { first, _ in first })
    (nodes, teachersNodes) = (Set(teachers.keys), Set(teachers.values))
    guard !teachers.isEmpty else {
      let flat = own.isEmpty ? student : its.isEmpty ? teacher : nil
      throw PlanError(
        "there are no features to compare with the teacher's: "
          + (flat.map { "\($0.name) computes no images" } ?? "\(teacher.name) and \(student.name) have no size of images in common"))
    }
  }

  /// Returns Σ mean((s − t)²) over the maps of the student's nodes, given those of the teacher's.
  func loss(of maps: [String: Tensor], from taught: [String: Tensor]) throws -> Tensor? {
    // In one order, so that rounding is the same in each run.
    try teachers.keys.sorted().reduce(nil) { sum, node in
      guard let own = maps[node], let its = teachers[node].flatMap({ taught[$0] }) else { return sum }
      let loss = try own.meanSquaredError(its)
      return try sum.map { try $0 + loss } ?? loss
    }
  }
}

extension Distillation {
  /// Returns where the two networks look; nil if their features are not compared.
  ///
  /// - Throws: `PlanError` if they have no features to compare.
  func transfer(from teacher: Network?, to student: Network) throws -> AttentionTransfer? {
    guard features != nil, let teacher else { return nil }
    return try AttentionTransfer(from: teacher, to: student)
  }

  /// Checks that a network can learn from a teacher's features, if it is to.
  ///
  /// - Throws: `PlanError` if they have no size of images in common.
  public func checkFeatures(of teacher: Network, for student: Network) throws { _ = try transfer(from: teacher, to: student) }
}

extension Network {
  /// The last node of each height and width of several positions.
  fileprivate func lastNodes() throws -> [[Int]: String] {
    let shapes = try shapes()
    var result: [[Int]: String] = [:]
    for node in nodes {
      guard let shape = shapes[node.name], shape.positions > 1 else { continue }
      // The images that come in say nothing of what a network looks at.
      if case .input = node.operation { continue }
      result[Array(shape.dimensions.dropFirst())] = node.name
    }
    return result
  }
}
