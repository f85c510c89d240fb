import Foundation
import Testing

import Words

/// Text of others on a terminal.
@Suite struct ForeignTextTests {
  @Test(arguments: [
    ("plain ×→ é 🌳", "plain ×→ é 🌳"), ("\u{1B}]0;title\u{7}", #"\u001b]0;title\u0007"#), ("a\nb\r\tc", #"a\nb\r\tc"#),
    // Right-to-left override, isolate, mark; zero width; soft hyphen; byte order mark; line separator; a tag beyond 16 bits; C1.
    ("a\u{202E}b", #"a\u202eb"#), ("\u{2066}x\u{2069}\u{200F}", #"\u2066x\u2069\u200f"#),
    ("a\u{200B}\u{AD}\u{FEFF}", #"a\u200b\u00ad\ufeff"#),
    ("a\u{2028}b", #"a\u2028b"#), ("\u{E0041}", #"\udb40\udc41"#), ("\u{9B}31m\u{7F}", #"\u009b31m\u007f"#),
  ])
  func whatATerminalWouldObeyIsSpelledOut(text: String, shown: String) {
    #expect(text.printable() == shown)
  }

  @Test func linesOfTablesStay() {
    #expect("a\nb\u{1B}".printable(keepsLines: true) == "a\nb\\u001b")
    #expect("×\nb".printable(keepsLines: true) == "×\nb")
  }

  @Test func jsonStaysJSON() throws {
    let value = "x\u{202E}y\u{E0041}\u{7F}\u{85}z"
    let json = String(decoding: try JSONEncoder().encode([value]), as: UTF8.self)
    #expect(json.contains("\u{202E}"))
    let shown = json.printable(keepsLines: true)
    #expect(shown.unicodeScalars.allSatisfy { $0.value >= 32 && $0.value < 127 })
    #expect(try JSONDecoder().decode([String].self, from: Data(shown.utf8)) == [value])
  }

  @Test func quoted() {
    #expect("a\"b\\c\n".quoted == #""a\"b\\c\n""#)
    #expect(String(repeating: "x", count: 80).quoted == "\"" + String(repeating: "x", count: 80) + "\"")
    #expect(String(repeating: "x", count: 81).quoted == "\"" + String(repeating: "x", count: 77) + "...\"")
  }

  @Test func whatIsLongIsShortened() {
    let (name, path) = (String(repeating: "n", count: 200), "/begin/" + String(repeating: "p", count: 200) + "/end.st")
    #expect("short".shortened == "short" && name.shortened == String(repeating: "n", count: 77) + "...")
    #expect(path.shortened == "..." + path.suffix(77) && path.shortened.count == 80)
    let usual = "/" + String(repeating: "p", count: 159)
    #expect(usual.shortened == usual && (usual + "p").shortened == "..." + String(repeating: "p", count: 77))
    #expect("no \"\(name)\" here".shortening([]) == "no \"\(name.shortened)\" here")
    #expect("cannot read \(path): gone; see (\(path)).".shortening([]) == "cannot read \(path.shortened): gone; see (\(path.shortened)).")
    let typed = String(repeating: "two words ", count: 20)
    #expect("there is no \(typed) at all".shortening([typed, "x"]) == "there is no \(typed.prefix(77))... at all")
    let sentence = String(repeating: "a sentence stays. ", count: 20)
    #expect(sentence.shortening([]) == sentence)
  }
}
