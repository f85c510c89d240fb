/// Names of a Python program that are free, and free of what Python and the written program mean by them.
struct PythonNames {
  private var used: Set<String>

  /// Words of the language, and names that the written program uses itself.
  private static let reserved: Set<String> = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
    "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try",
    "while", "with", "yield", "self", "torch", "nn", "F", "Network", "attend",
  ]

  /// What `nn.Module` and `nn.ModuleDict` are themselves; a layer of such a name would hide it.
  static let ofModules: Set<String> = [
    "T_destination", "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "clear", "compile", "cpu", "cuda",
    "double",
    "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer", "get_extra_state", "get_parameter", "get_submodule", "half",
    "ipu",
    "items", "keys", "load_state_dict", "modules", "mtia", "named_buffers", "named_children", "named_modules", "named_parameters",
    "parameters",
    "pop", "register_backward_hook", "register_buffer", "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook",
    "register_full_backward_pre_hook", "register_load_state_dict_post_hook", "register_load_state_dict_pre_hook", "register_module",
    "register_parameter", "register_state_dict_post_hook", "register_state_dict_pre_hook", "requires_grad_", "set_extra_state",
    "set_submodule", "share_memory", "state_dict", "to", "to_empty", "train", "training", "type", "update", "values", "xpu", "zero_grad",
  ]

  /// What layers with weights are themselves.
  static let ofLayers: Set<String> = [
    "absent", "affine", "bias", "dilation", "eps", "groups", "in_channels", "in_features", "init", "kernel_size", "momentum",
    "num_batches_tracked", "num_channels", "num_features", "num_groups", "num_parameters", "out_channels",
    "out_features",
    "output_padding", "padding", "padding_mode", "reset_parameters", "reset_running_stats", "running_mean", "running_var", "stride",
    "track_running_stats", "transposed", "turned", "weight",
  ]

  /// Creates names of which none is taken yet.
  init() { used = Self.reserved }

  /// Whether a text can stand behind a dot.
  static func isIdentifier(_ text: String) -> Bool {
    guard let first = text.utf8.first, !reserved.contains(text) else { return false }
    return !(48...57).contains(first) && text.utf8.allSatisfy(isPart)
  }

  /// Takes a name for a value, as near to the given one as can be: `layer1.0.conv1` becomes `layer1_0_conv1`.
  mutating func take(_ text: String) -> String {
    var name = String(text.map { $0.utf8.count == 1 && $0.utf8.allSatisfy(Self.isPart) ? $0 : "_" })
    if name.utf8.first.map({ (48...57).contains($0) }) ?? true { name = "x" + name }
    var (free, number) = (name, 1)
    while !used.insert(free).inserted {
      number += 1
      free = "\(name)_\(number)"
    }
    return free
  }

  private static func isPart(_ byte: UInt8) -> Bool {
    byte == 95 || (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
  }
}

extension String {
  /// The text as a Python literal.
  var pythonLiteral: String {
    var literal = "\""
    for scalar in unicodeScalars {
      switch scalar {
      case "\"", "\\": literal += "\\\(scalar)"
      case "\n": literal += "\\n"
      case _ where scalar.value < 32 || (127..<160).contains(scalar.value) || (0x2028...0x202E).contains(scalar.value):
        let digits = String(scalar.value, radix: 16)
        literal += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: literal.unicodeScalars.append(scalar)
      }
    }
    return literal + "\""
  }
}
