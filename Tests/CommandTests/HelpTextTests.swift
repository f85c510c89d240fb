import ArgumentParser
@testable import espalier
import Testing

@Suite struct HelpTextTests {
  /// On a terminal of 80 columns the parser would break longer lines of examples anywhere.
  @Test func discussionsFitIntoATerminal() {
    var commands: [any ParsableCommand.Type] = [Espalier.self]
    while let command = commands.popLast() {
      commands += command.configuration.subcommands
      for line in command.configuration.discussion.split(separator: "\n") {
        #expect(line.count <= 78, "\(command._commandName): \(line)")
      }
    }
  }

  @Test func lengthsShowTheirDefaults() {
    let help = TrainCommand.helpMessage(columns: 200)
    #expect(help.contains("Length of training: epochs (20 or 20ep) or steps (50000it). (default: 20ep)"))
    #expect(help.contains("How often the validation set is evaluated. (default: 1ep)"))
  }
}
