import Testing

@testable import Words

@Suite struct NearestTests {
  @Test(arguments: [
    ("mnits", "mnist", 1), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("abc", "abc", 0), ("ca", "abc", 3), ("ab", "ba", 1),
  ])
  func editDistanceCountsSwapsAsOne(one: String, other: String, edits: Int) {
    #expect(editDistance(Array(one), Array(other)) == edits)
  }

  @Test func theNearestIsFound() {
    let names = ["train", "prune", "weight-norm", "l1", "l2"]
    #expect(nearest(to: "tarin", among: names) == "train")
    #expect(nearest(to: "PRUN", among: names) == "prune")
    #expect(nearest(to: "Weight_Nrom", among: names) == "weight-norm")
    #expect(nearest(to: "l3", among: names) == "l1", "the first of equals")
  }

  @Test func whatIsFarIsNot() {
    #expect(nearest(to: "frobnicate", among: ["train", "prune"]) == nil)
    // A third of the candidate's letters: two of six, not three.
    #expect(nearest(to: "abcdxx", among: ["abcdef"]) == "abcdef")
    #expect(nearest(to: "abcxxx", among: ["abcdef"]) == nil)
    #expect(nearest(to: "train", among: []) == nil)
    #expect(nearest(to: String(repeating: "a", count: 64), among: [String(repeating: "a", count: 65)]) != nil)
    #expect(nearest(to: String(repeating: "a", count: 65), among: [String(repeating: "a", count: 65)]) == nil)
  }
}
