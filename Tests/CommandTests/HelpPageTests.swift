@testable import espalier
import Experiments
import Networks
import Pruning
import TestSupport
import Testing

@Suite struct HelpPageTests {
  /// The options that a text describes, in order.
  private func options(in text: String) -> [String] {
    text.split(separator: "\n").filter { $0.hasPrefix("  -") || $0.hasPrefix("  <") }.map { line in
      line.dropFirst(2).split { " ,/".contains($0) }.prefix { "-<".contains($0.first ?? " ") }.first { $0.count > 2 }.map(String.init) ?? ""
    }
  }

  private func page(_ words: String) throws -> String {
    try HelpPage.text(for: words.split(separator: " ").map(String.init), columns: 80) ?? "the parser's"
  }

  @Test(arguments: ["prune --help", "prune -h", "prune small.safetensors --sparsity 0.5 --help", "help prune"])
  func theShortHelpShowsTheUsualOptions(line: String) throws {
    let text = try page(line)
    #expect(
      options(in: text) == [
        "<model>", "--network", "--method", "--granularity", "--sparsity", "--rounds", "--recovery", "--criterion", "--dataset",
        "--data-dir", "--epochs", "--seed", "--resume", "--output",
      ])
    #expect(text.contains("\n\nWHEN:\n  --rounds <count>") && !text.contains("REPAIR:"))
    #expect(text.hasPrefix("OVERVIEW: Prune a model file, or train a network first; prints the results.\n"))
    #expect(
      text.hasSuffix(
        """
        Most runs need only these options. To see all 135:
          espalier prune --help-all
        The defaults of a method and its own options, e.g. those of rigl:
          espalier help prune rigl

        """))
  }

  /// The longest help is the parser's, with every option.
  @Test func theLongHelpShowsAll() throws {
    let all = options(in: try page("prune --help-all"))
    let described = try #require(try DescribedCommand.all()["prune"])
    #expect(all.count == 135)
    for names in described.map(\.names)
    where names != ["--worker"] && !names[0].hasPrefix("--no-") || [["--no-proof"], ["--no-latency"]].contains(names) {
      #expect(!all.filter(names.contains).isEmpty, "\(names)")
    }
    #expect(try page("train --help-all").contains("--label-smoothing"))
  }

  @Test(arguments: ["train --help", "help train", "help", "--help", "prune --sparsity 0.5", "methods help"])
  func theRestIsTheParsers(line: String) throws { #expect(try page(line) == "the parser's") }

  @Test func aMethodsPageSaysWhatItDoes() throws {
    #expect(
      try page("help prune dsd") == """
        dsd: dense, sparse, dense again; the result is dense (Han et al. 2017).

          espalier prune --network lenet-300-100 --dataset mnist --method dsd --sparsity 0.9

        DEFAULTS:
          --criterion     magnitude
          --scope         global
          removals        one during training, after 33 % of the steps
          regrowth        dense again after 66.6667 % of the steps

        ITS OWN OPTIONS:
          --regrowth-end <fraction>
                                  Fraction of the steps after which nothing returns; by
                                  default 0.75, for set 1. For dsd: after which all
                                  returns, by default 2/3.

        All other options: espalier prune --help-all

        """)
    #expect(try page("help prune l0").contains("  removed         units, unless --granularity says otherwise\n"))
    #expect(try page("help prune l0").contains("  removals        one after training, of what its gates have closed\n"))
    #expect(try page("help prune han").contains("  recovery        at 0.10× the learning rate of the training before\n"))
    #expect(
      try page("help prune edge-popup").contains(
        "  training        sgd, learning rate 0.1, weight decay 0.0001, initialization\n                  signed-kaiming\n"))
    #expect(try page("help prune synflow").contains("  removals        100, before the first step\n"))
    #expect(
      try page("help prune gradual").contains("  removals        15 during training, until 75 % of the steps\n  --schedule      cubic\n"))
  }

  /// Every method has a page, whose options are accepted with it and refused, by name, with one that lacks them.
  @Test(arguments: PruningMethod.all.map(\.name))
  func pagesNameTheOptionsThatGoWithTheMethod(method: String) throws {
    let text = try page("help prune \(method)")
    #expect(text.hasPrefix("\(method): ") && text.hasSuffix("All other options: espalier prune --help-all\n"))
    #expect(
      options(in: text).filter { !["--criterion", "--scope", "--schedule"].contains($0) }.sorted() == MethodFaces.options(of: method))
  }

  /// The example of a page is a command line that can be typed, for a removal that its network can have.
  @Test(arguments: PruningMethod.all.map(\.name)) func examplesAreCommands(method: String) throws {
    let line = try #require(try page("help prune \(method)").split(separator: "\n").first { $0.contains("espalier prune ") })
    let words = line.split(separator: " ").dropFirst().map(String.init)
    let prune = try #require(try command(of: words) as? PruneCommand)
    let typed = GivenOptions(words)
    guard method != "lottery-ticket" else {
      _ = try LotteryTicketFace.study(prune, typed)
      return
    }
    let plan = try #require(try prune.run(typed).experiment.pruning)
    _ = try Pruner(plan, original: Architecture.parse(try #require(prune.given.network)))
  }

  @Test func helpTakesTheSameWordForAll() throws {
    #expect(try page("help prune --help-all") == page("prune --help-all"))
  }

  @Test func anUnknownCommandHasNone() throws {
    let outcome = try espalier("help", "inspekt")
    #expect(outcome.errors == "espalier: unknown command \"inspekt\"; did you mean inspect?\n" && outcome.status == 64)
  }

  @Test func anUnknownMethodHasNone() throws {
    let outcome = try espalier("help", "prune", "rigle")
    #expect(outcome.errors == "espalier: unknown method \"rigle\": did you mean rigl?\n" && outcome.status == 64)
  }

  /// Each option of its own says which methods have it.
  @Test(arguments: [
    ("--regrowth-interval 5it", "rigl, set, scored-pruning or splicing"), ("--drop-fraction 0.1", "rigl, set or scored-pruning"),
    ("--regrowth-end 0.5", "rigl, set, scored-pruning, splicing, dsd, dsd+prune or double-pruning"),
    ("--score-decay 0.9", "scored-pruning"), ("--leave score", "scored-pruning"), ("--reintroduce 0.1", "double-pruning"),
    ("--pruned-steps 5it", "double-pruning"), ("--enter zero", "double-pruning"),
    ("--lambda 0.5", "l0 or meta-pruning"), ("--lambda-warm-up 1ep", "l0"), ("--drop-rate 0.5", "l0 or meta-pruning"),
    ("--gate-learning-rate 0.1", "l0"),
    ("--gate-cost macs", "l0"),
    ("--rewind init", "lottery-ticket, gradual, double-pruning or scored-pruning"), ("--branches reinit", "lottery-ticket"),
    ("--branch-rounds 1", "lottery-ticket"), ("--output-fraction 0.1", "lottery-ticket"), ("--seeds 2", "lottery-ticket"),
    ("--parallel 2", "lottery-ticket"),
  ])
  func optionsOfOthersAreRefused(option: String, methods: String) {
    let line = "prune --network lenet-5 --dataset mnist --sparsity 0.9 --method snip \(option)"
    let error = #expect(throws: (any Error).self) { try fields(of: line.split(separator: " ").map(String.init)) }
    #expect(error.map { "\($0)" } == "\(option.prefix { $0 != " " }) goes with --method \(methods), not snip")
  }
}
