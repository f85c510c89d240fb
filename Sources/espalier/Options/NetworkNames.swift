internal import Foundation
internal import Networks

/// Network names for the shell's completion: the patterns of the catalogue, expanded.
enum NetworkNames {
  static let all: [String] = Architecture.all.flatMap { $0.pattern.components(separatedBy: ", ") }.flatMap(written)

  /// Expands a pattern: `vgg(11|13)[-bn]-cifar[:HIDDEN|:none]` to four names, without the optional parts after a colon.
  static func written(_ pattern: String) -> [String] {
    guard !pattern.contains("WIDTHS") else { return [] }
    guard let open = pattern.firstIndex(where: { "([".contains($0) }),
      let close = pattern[open...].firstIndex(of: pattern[open] == "(" ? ")" : "]")
    else { return [pattern] }
    let (head, tail) = (pattern[..<open], pattern[pattern.index(after: close)...])
    var choices = pattern[pattern.index(after: open)..<close].split(separator: "|").filter { !$0.hasPrefix(":") }
    if pattern[open] == "[" { choices.insert("", at: 0) }
    return choices.flatMap { written("\(head)\($0)\(tail)") }
  }
}
