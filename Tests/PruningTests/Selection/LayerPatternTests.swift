import Foundation
import Pruning
import Testing

struct LayerPatternTests {
  @Test(arguments: [
    ("conv1", "conv1", true), ("conv1", "conv12", false), ("conv1", "aconv1", false),
    ("conv*", "conv12", true), ("*conv1", "layer1.0.conv1", true), ("*", "", true), ("", "", true), ("", "a", false),
    ("layer?.*.conv2", "layer1.0.conv2", true), ("layer?.*.conv2", "layer12.0.conv2", false),
    ("layer?.*.conv2", "layer1.0.conv2.0", false), ("layer1.*", "layer1.0.downsample.0", true), ("layer1.*", "layer10.0", false),
    // The last star has to be tried at every place: the first `ab` is not the right one.
    ("*ab?", "ababc", true), ("a*b*c", "aXbYbZc", true), ("a*b*c", "aXbYbZ", false), ("**?", "x", true), ("?", "é", true),
    // No other character is special.
    ("fc[12]", "fc1", false), ("fc.", "fc1", false), ("fc[12]", "fc[12]", true),
  ])
  func fitsTheWholeName(pattern: String, name: String, fits: Bool) {
    #expect(LayerPattern(pattern).matches(name) == fits)
  }

  @Test(arguments: 0..<200)
  func agreesWithTheDefinition(seed: UInt64) {
    func fits(_ pattern: Substring, _ name: Substring) -> Bool {
      guard let first = pattern.first else { return name.isEmpty }
      if first == "*" { return fits(pattern.dropFirst(), name) || (!name.isEmpty && fits(pattern, name.dropFirst())) }
      return !name.isEmpty && (first == "?" || first == name.first) && fits(pattern.dropFirst(), name.dropFirst())
    }
    var random = Seeded(seed)
    for _ in 0..<20 {
      let pattern = String((0..<random.below(7)).map { _ in ["a", "b", "*", "?"][random.below(4)] as Character })
      let name = String((0..<random.below(8)).map { _ in ["a", "b"][random.below(2)] as Character })
      #expect(LayerPattern(pattern).matches(name) == fits(pattern[...], name[...]), "seed \(seed): \(pattern) and \(name)")
    }
  }

  @Test func manyStarsTakeNoTime() {
    let pattern = LayerPattern(String(repeating: "*a", count: 2000) + "b")
    #expect(!pattern.matches(String(repeating: "a", count: 4000)))
  }

  @Test func whatMatchesNothingGetsAnAnswer() throws {
    let names = [["conv1"], ["conv2", "twin"], ["fc1"]]
    let patterns: [LayerPattern] = ["twin", "fc*"]
    #expect(try patterns.indices(among: names, option: "--ignore") == [1, 2])
    let error = #expect(throws: PruningError.self) {
      try [LayerPattern("conv1"), "conv9*"].indices(among: names, option: "--ignore")
    }
    #expect(error?.description == "--ignore \"conv9*\" matches no layer: choose from conv1, conv2, twin, fc1")
    let many = (1...20).map { ["conv\($0)"] }
    let cut = #expect(throws: PruningError.self) { try [LayerPattern("x")].indices(among: many, option: "--scope") }
    #expect(
      cut?.description == "--scope \"x\" matches no layer: choose from "
        + (1...12).map { "conv\($0)" }.joined(separator: ", ") + ", …")
  }

  @Test func jsonIsTheText() throws {
    let patterns: [LayerPattern] = ["layer1.*", "fc"]
    let data = try JSONEncoder().encode(patterns)
    #expect(String(decoding: data, as: UTF8.self) == #"["layer1.*","fc"]"#)
    #expect(try JSONDecoder().decode([LayerPattern].self, from: data) == patterns)
  }
}
