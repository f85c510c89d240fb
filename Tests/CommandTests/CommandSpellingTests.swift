@testable import espalier
import Testing

@Suite struct CommandSpellingTests {
  @Test(arguments: [
    (["prun"], "unknown command \"prun\"; did you mean prune?"),
    (["tarin"], "unknown command \"tarin\"; did you mean train?"),
    (["data", "fecth"], "unknown command \"data fecth\"; did you mean fetch?"),
    (
      ["frobnicate"],
      "unknown command \"frobnicate\"; choose one of train, prune, evaluate, sensitivity, probe, tickets, study, report, inspect, compare, export, compile, run, benchmark, methods, data"
    ),
  ])
  func aMistypedCommandIsNamed(arguments: [String], words: String) {
    let error = #expect(throws: UnknownCommand.self) { try CommandSpelling.check(arguments) }
    #expect(error?.description == words)
  }

  @Test(arguments: [[], ["--help"], ["help", "train"], ["train", "anything"], ["data", "--help"], ["inspect", "vgg16"]])
  func theRestIsLeftToTheParser(arguments: [String]) throws { try CommandSpelling.check(arguments) }

  @Test func theCommandsPath() {
    #expect(CommandSpelling.path(of: ["data", "list", "--json"]) == ["espalier", "data", "list"])
    #expect(CommandSpelling.path(of: ["--version"]) == ["espalier"])
  }
}
