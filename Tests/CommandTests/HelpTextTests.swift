import ArgumentParser
@testable import espalier
import Networks
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

@Suite struct CompletionTests {
  /// What shells offer for `--network` are names, not patterns.
  @Test func networksAreWrittenOut() {
    #expect(
      NetworkNames.written("vgg(11|13)[-bn]-cifar[:HIDDEN|:none]") == ["vgg11-cifar", "vgg11-bn-cifar", "vgg13-cifar", "vgg13-bn-cifar"])
    #expect(NetworkNames.all.contains("resnet-20") && NetworkNames.all.contains("lenet-300-100") && NetworkNames.all.contains("conv-4"))
    for name in NetworkNames.all { #expect(throws: Never.self, "\(name)") { try Architecture.parse(name) } }
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func scriptsOfferWhatOptionsTake(shell: String) throws {
    let script = try espalier("--generate-completion-script", shell).output
    for name in ["double-pruning", "fashion-mnist", "resnet-56", "abs-mrs"] { #expect(script.contains(name), "\(name)") }
    #expect(script.contains("safetensors"))
  }
}
