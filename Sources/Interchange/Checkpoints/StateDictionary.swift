internal import Torch
internal import Words

/// The named tensors of a checkpoint: a state dictionary, wherever in the file it lies.
struct StateDictionary {
  /// The tensors in the order of the dictionary.
  private(set) var views: [(name: String, view: StridedView)] = []
  /// What stands where tensors stand, and only code could make, by name.
  private(set) var opaque: [String: String] = [:]
  /// The keys that lead to it, outermost first.
  private(set) var path: [String] = []
  /// Keys of other state dictionaries beside it.
  private(set) var others: [String] = []

  /// The keys under which training programs keep the weights, the most telling first.
  private static let keys = ["state_dict", "model_state_dict", "model", "net", "ema", "state_dict_ema"]
  /// The most dictionaries around it.
  private static let maximumPath = 4
  /// The most modules within one another.
  private static let maximumDepth = 32
  /// The most entries of dictionaries that are looked at: one that many modules share counts for each of them.
  private static let maximumWork = 1 << 22

  /// Finds the tensors of a file.
  ///
  /// - Throws: ``CheckpointProblem`` that says what is there instead.
  init(_ file: PyTorchFile) throws {
    var value = file.root
    while path.count < Self.maximumPath {
      let found = Self.keys.filter { key in
        file.nodes.value(at: key, in: value).map { Self.leadsOn($0, file.nodes) } ?? false
      }
      guard let key = found.first, let inner = file.nodes.value(at: key, in: value) else { break }
      if path.isEmpty { others = Array(found.dropFirst()) }
      path.append(key)
      value = inner
    }
    if try !addModule(value, file.nodes) { try addDictionary(value, file.nodes) }
    guard !views.isEmpty else { throw CheckpointProblem(Self.without(value, path, file.nodes)) }
  }

  private static let tooMany = CheckpointProblem("it has more than \(TensorArchive.maximumCount) tensors")

  /// Which of several state dictionaries it is; nil if there is no other.
  var note: String? {
    guard let first = path.first, !others.isEmpty else { return nil }
    return "took the weights under \(first.quoted); there are others under \(others.map(\.quoted).joined(separator: ", "))"
  }

  /// Whether a value may hold tensors by name: a dictionary with text for a key, or a module.
  private static func leadsOn(_ value: PickleValue, _ nodes: [PickleNode]) -> Bool {
    guard case .node(let index) = value else { return false }
    return switch nodes[index].kind {
    case .dictionary: !nodes[index].items.isEmpty
    case .opaque: true
    default: false
    }
  }

  private mutating func addDictionary(_ value: PickleValue, _ nodes: [PickleNode], prefix: String = "") throws {
    guard case .node(let index) = value, case .dictionary = nodes[index].kind else { return }
    var places: [String: Int] = [:]
    let items = nodes[index].items
    for place in stride(from: 0, to: items.count - 1, by: 2) {
      guard case .text(let key) = items[place], case .node(let inner) = items[place + 1] else { continue }
      let name = prefix + key
      switch nodes[inner].kind {
      case .tensor(let view):
        // As in Python, a key that comes again keeps its place and has the later value.
        if let earlier = places[name] {
          views[earlier].view = view
        } else {
          guard views.count < TensorArchive.maximumCount else { throw Self.tooMany }
          places[name] = views.count
          views.append((name, view))
        }
      case .opaque(let code): opaque[name] = code.inLine
      default: break
      }
    }
  }

  /// Adds parameters and buffers of a pickled `torch.nn.Module`, in the order in which its own state_dict() has them; returns whether it is one.
  private mutating func addModule(_ value: PickleValue, _ nodes: [PickleNode]) throws -> Bool {
    var work = 0
    func charge(_ value: PickleValue) throws {
      guard case .node(let index) = value else { return }
      work += nodes[index].items.count
      guard work <= Self.maximumWork else { throw CheckpointProblem("its modules hold far more than those of any network") }
    }
    func entry(_ key: String, of value: PickleValue) throws -> PickleValue? {
      try charge(value)
      return nodes.value(at: key, in: value)
    }
    func fields(_ value: PickleValue) throws -> PickleValue? {
      guard case .node(let index) = value, case .opaque = nodes[index].kind else { return nil }
      try charge(value)
      return try nodes[index].items.last { try entry("_parameters", of: $0) != nil }
    }
    guard try fields(value) != nil else { return false }
    // Modules still to be looked at, the next one last.
    var open = [(value: value, prefix: "", depth: 0)]
    while let (module, prefix, depth) = open.popLast() {
      work += 1
      guard depth < Self.maximumDepth else {
        throw CheckpointProblem("its modules contain one another")
      }
      guard let fields = try fields(module) else { continue }
      for kind in ["_parameters", "_buffers"] {
        guard let part = try entry(kind, of: fields) else { continue }
        try charge(part)
        try addDictionary(part, nodes, prefix: prefix)
      }
      guard let modules = try entry("_modules", of: fields), case .node(let index) = modules else { continue }
      try charge(modules)
      let items = nodes[index].items
      for place in stride(from: 0, to: items.count - 1, by: 2).reversed() {
        if case .text(let name) = items[place] { open.append((items[place + 1], prefix + name + ".", depth + 1)) }
      }
    }
    return true
  }

  /// What is wrong with a file that has no tensors by name.
  private static func without(_ value: PickleValue, _ path: [String], _ nodes: [PickleNode]) -> String {
    let place = path.isEmpty ? "" : " under \(path.map(\.quoted).joined(separator: " within "))"
    guard case .node(let index) = value else { return "it holds no tensors by name\(place)" }
    switch nodes[index].kind {
    case .opaque(let code):
      return "it holds an object of \(code.quoted)\(place), which only that code could make, and it is not run: save its state_dict()"
    case .dictionary:
      let items = nodes[index].items
      let keys = stride(from: 0, to: items.count - 1, by: 2).prefix(8).compactMap {
        if case .text(let key) = items[$0] { key.quoted } else { nil }
      }
      let names = keys.joined(separator: ", ") + (items.count > 16 ? " and \(items.count / 2 - 8) more" : "")
      return "it holds no tensors by name\(place)" + (keys.isEmpty ? "" : ", only \(names)")
    case .tensor: return "it holds a single tensor\(place) without a name"
    default: return "it holds no tensors by name\(place)"
    }
  }
}
