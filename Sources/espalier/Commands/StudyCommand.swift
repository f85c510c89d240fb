internal import ArgumentParser
internal import Files
internal import Foundation
internal import Results
internal import Studies
internal import Words

/// `espalier study`: studies, grids of runs that are described by a recipe.
struct StudyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "Run a grid of runs from a recipe, and read what they say.",
    discussion: """
      A recipe is a YAML file that names options of prune, train and probe, without
      the dashes:
        study: which-criterion
        options: {network: lenet-300-100, dataset: digits, epochs: 10}
        grid:
          method:
            dense: {command: train, sparsity: null}
            magnitude: {criterion: magnitude}
            random: {criterion: random}
          sparsity: [0.8, 0.95]
          seed: [0, 1, 2]

      espalier study run which-criterion.yaml --jobs 2
      espalier study status studies/which-criterion
      espalier study serve studies/which-criterion
      espalier study query 'SELECT method, avg(test_accuracy)
        FROM "which-criterion" GROUP BY method'

      Every run is kept under the hash of all that decides its result: it is
      never computed again, also not by another study. After a kill or Ctrl-C
      the same command goes on.
      """,
    subcommands: [
      StudyNewCommand.self, StudyRunCommand.self, StudyWorkCommand.self, StudyStatusCommand.self, StudyClaimsCommand.self,
      StudyQueryCommand.self, StudyExportCommand.self, StudyServeCommand.self, StudySchemaCommand.self,
    ])
}

/// The folder with all studies, shared by the subcommands.
struct StudyRootOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The folder that holds all studies and their runs.", valueName: "folder"), completion: .directory)
  var into = "studies"
}

/// `espalier study run`.
struct StudyRunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run what a recipe's study lacks, and print its table.",
    discussion: """
      espalier study run Recipes/regrowth.yaml --scale smoke --jobs 2

      A failed run is reported, and the others go on. Ctrl-C leaves checkpoints;
      the same command goes on from them and ends with the same models.

      On a cluster, from a folder that its nodes share:
        espalier study run Recipes/regrowth.yaml --launcher slurm \\
          --sbatch --partition=long --sbatch --time=4:00:00
      The runs become job arrays, those that start from others wait for these,
      and the same command later submits what is left.
      """)

  /// Ways to carry runs out: as processes of this machine, or as job arrays of a cluster.
  enum Launcher: String, ExpressibleByArgument, CaseIterable {
    case local, slurm
  }

  @Argument(help: ArgumentHelp("The recipe.", valueName: "recipe"), completion: .file(extensions: ["yaml", "yml"]))
  var recipe: String

  @Option(help: ArgumentHelp("The scale of the recipe to run: smoke, small or paper; by default its first.", valueName: "name"))
  var scale: String?

  @Option(
    help: ArgumentHelp(
      "Runs at once, each a process with one thread unless the recipe says otherwise; 1 by default, no limit with slurm.",
      valueName: "count"))
  var jobs: Int?

  @Option(help: ArgumentHelp("What carries the runs out: processes here (local), or job arrays (slurm).", valueName: "name"))
  var launcher = Launcher.local

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("An option for sbatch with --launcher slurm, such as --time=4:00:00; may be repeated.", valueName: "option"))
  var sbatch: [String] = []

  @OptionGroup var root: StudyRootOptions

  @Option(help: ArgumentHelp("Data folder of all runs that do not name one.", valueName: "folder"), completion: .directory)
  var dataDir: String?

  @Flag(help: "Try the runs that failed again.")
  var retryFailed = false

  @Flag(help: "Let a changed recipe take the place of the one that the study has; runs that both have stay.")
  var extend = false

  @Flag(help: "Only list the runs, with their keys and commands.")
  var dryRun = false

  @Flag(help: "Show no progress.")
  var quiet = false

  @Flag(help: "Print the result as JSON.")
  var json = false

  func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs \(jobs) is impossible: give at least 1") }
    if let option = sbatch.first, launcher != .slurm { throw ValidationError("--sbatch \(option) goes with --launcher slurm") }
    if let option = sbatch.first(where: { !$0.hasPrefix("-") }) {
      throw ValidationError("--sbatch \(option) is not an option: write it with its dashes and value, such as --time=4:00:00")
    }
  }

  func run() throws {
    let recipe = try Recipe.read(self.recipe, scale: scale, dataDirectory: dataDir)
    let display = ProgressDisplay(quiet: quiet)
    defer { display.finish() }
    let folder = StudyFolder(recipe, in: root.into)
    let plan = try plan(recipe, in: folder.store) { display.note($0) }
    if dryRun { return try list(plan) }
    if launcher == .slurm { try SlurmLauncher.check() }
    try Outputs.checkFolder(folder.path)
    let claim = try FolderClaim(folder.path)
    defer { withExtendedLifetime(claim) {} }
    try folder.begin(recipe, plan, replaces: extend)
    let states = Dictionary(uniqueKeysWithValues: plan.runs.map { ($0.key, folder.store.state($0.key)) })
    let finished = Set(states.filter { $0.value == .finished }.keys)
    for run in plan.runs where finished.contains(run.key) { try folder.store.check(run) }
    let failed = retryFailed ? [] : Set(states.filter { $0.value == .failed }.keys)
    Interrupt.outcome = "repeat the command to continue from what is in \(root.into)"
    if !finished.isEmpty { display.note("\(finished.count) of \(plan.runs.count) runs are already there") }
    if !failed.isEmpty { display.note("\(failed.count) failed before and \(failed.count == 1 ? "is" : "are") left out") }
    if launcher == .slurm { return try submit(plan, to: folder, finished: finished, failed: failed) }
    let workers = StudyWorkers(plan, axes: recipe.studyAxes, folder, finished: finished, failed: failed, display: display)
    do { try workers.run(atOnce: RunOptions.atMostCores(jobs ?? 1, option: "--jobs")) } catch let failure as StudyFailure {
      display.finish()
      try show(folder, recipe)
      throw failure
    }
    display.finish()
    try show(folder, recipe)
    // A script must not take what is left for the whole.
    if !failed.isEmpty { throw StudyFailure(leftOut: failed.count, of: plan.runs.count) }
  }

  /// The resolver goes with the data that it read: runs read them themselves.
  private func plan(_ recipe: Recipe, in store: RunStore, note: @escaping (String) -> Void) throws -> StudyPlan {
    let resolver = RunResolver(note: note)
    return try StudyPlan(recipe, in: store, tool: RunResolver.tool) { try resolver($0) }
  }

  private func submit(_ plan: StudyPlan, to folder: StudyFolder, finished: Set<String>, failed: Set<String>) throws {
    let launcher = SlurmLauncher(folder: folder, plan: plan, atOnce: jobs, options: sbatch)
    let submission = try launcher.submit(finished: finished, failed: failed)
    guard !json else { return try Console.print(Format.json(submission)) }
    try Console.print("\(plan.name): \(submission.words); \"espalier study status \(folder.path)\" shows how far they are")
  }

  private func list(_ plan: StudyPlan) throws {
    if json { return try Console.print(Format.json(plan)) }
    for run in plan.runs { try Console.print("\(run.key)  espalier \(run.arguments.shellWords)") }
  }

  private func show(_ folder: StudyFolder, _ recipe: Recipe) throws {
    let result = try folder.result(claims: recipe.claims)
    try Console.print(json ? Format.json(result) : result.text)
  }
}

/// `espalier study work`.
struct StudyWorkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "work", abstract: "Carry out one run of a study, as the tasks of a cluster do.",
    discussion: """
      espalier study work studies/regrowth-small 0f3c…

      "study run" makes the study's folder, and lists the keys with --dry-run.
      Stopped or killed, the same command goes on from the run's checkpoint.
      """)

  @Argument(help: ArgumentHelp("The study's folder.", valueName: "study"), completion: .directory)
  var study: String

  @Argument(help: ArgumentHelp("The run's key.", valueName: "key"))
  var key: String

  func run() throws {
    let folder = try StudyFolder(study)
    let content = try folder.content()
    guard let run = content.plan.runs.first(where: { $0.key == key }) else {
      throw StoreError("\(study) has no run \(key.prefix(80)): \"espalier study run RECIPE --dry-run\" lists the keys")
    }
    // The key stands for what another version would compute.
    guard run.identity.tool == RunResolver.tool else {
      throw StoreError("run \(key) belongs to \(run.identity.tool): this is \(RunResolver.tool); \"espalier study run\" plans it anew")
    }
    if let from = run.from, folder.store.state(from) != .finished {
      throw UnfinishedRun(description: "run \(key) starts from run \(from), which is not finished")
    }
    let display = ProgressDisplay(quiet: false)
    defer { display.finish() }
    guard folder.store.state(key) != .finished else { return display.note("run \(key) is already there") }
    Interrupt.outcome = "repeat the command to continue from what is in \(folder.store.folder(key))"
    var plan = content.plan
    plan.runs = [run]
    let workers = StudyWorkers(
      plan, axes: content.axes, folder, finished: Set([run.from].compactMap(\.self)), failed: [], display: display)
    try workers.run(atOnce: 1)
  }
}

/// The error of a run that has to wait for another one.
struct UnfinishedRun: ReportedError, CustomStringConvertible {
  let description: String
  var exitStatus: ExitStatus { .temporary }
}

/// `espalier study status`.
struct StudyStatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show how far a study has come, what failed, and its table.",
    discussion: """
      espalier study status studies/regrowth-smoke
      espalier study status studies/regrowth-smoke --show steps-to@0.9 \\
        --show training-flops
      """)

  @Argument(help: ArgumentHelp("The study's folder.", valueName: "study"), completion: .directory)
  var study: String

  @Option(
    help: ArgumentHelp("A measure to show besides the usual ones, as in claims: training-flops, steps-to@0.95 etc.", valueName: "measure"))
  var show: [String] = []

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    for name in show where RowQuantity.named(name) == nil {
      let known = RowQuantity.all.map(\.name) + RowQuantity.families.map(\.example)
      throw ValidationError(
        "--show: unknown measure \(name.quoted)"
          + (nearest(to: name, among: known).map { "; did you mean \($0)?" } ?? "; possible: \(known.joined(separator: ", "))"))
    }
  }

  func run() throws {
    let result = try StudyFolder(study).judged()
    try Console.print(json ? Format.json(result) : result.text(showing: show.compactMap(RowQuantity.named)))
  }
}

/// `espalier study claims`.
struct StudyClaimsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "claims", abstract: "Show the claims that studies test, what was measured, and the verdicts.",
    discussion: """
      espalier study claims studies/*
      espalier study claims studies/* Recipes/*.yaml

      Claims of recipes that no study tests are listed as untested.
      A claim holds or fails if its whole interval (one-sided 95 % bounds, paired
      by seed) is on one side of what was asked; else it is undecided.
      """)

  @Argument(help: ArgumentHelp("The studies' folders, and recipes.", valueName: "study"), completion: .directory)
  var studies: [String]

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    func isRecipe(_ path: String) -> Bool { [".yaml", ".yml"].contains(where: path.hasSuffix) }
    let folders = studies.filter { !isRecipe($0) }
      .filter { studies.count == 1 || FileManager.default.fileExists(atPath: $0 + "/study.json") }
    var claims = try folders.flatMap { try StudyFolder($0).judged().claims }
    let tested = Set(claims.filter { $0.verdict != .untested }.map(\.id))
    for path in studies where isRecipe(path) {
      let untested = try Recipe.read(path, scale: nil).claims.filter { !tested.contains($0.id) }.map { $0.untested(evidence: path) }
      claims.removeAll { claim in claim.verdict == .untested && untested.contains { $0.id == claim.id } }
      claims += untested
    }
    guard json || !claims.isEmpty else { return try Console.print("no claims: \(studies.joined(separator: ", ")) test none") }
    try Console.print(json ? Format.json(claims) : ClaimResult.table(claims, evidence: true))
  }
}

/// `espalier study query`.
struct StudyQueryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "query", abstract: "Ask for runs of all studies by SQL.",
    discussion: """
      espalier study query 'SELECT method, sparsity, avg(test_accuracy)
        FROM "unified-benchmark-small" GROUP BY method, sparsity'
      espalier study query 'SELECT * FROM runs' --csv > runs.csv

      Table runs has a row for each run and a column for each quantity; each study
      is a view with its axes as columns. The index, index.sqlite, is made anew
      from the folders.
      """)

  @Argument(help: "The query, for SQLite.")
  var sql: String

  @OptionGroup var root: StudyRootOptions

  @Flag(help: "Print comma-separated values.")
  var csv = false

  func run() throws {
    let answer = try StudyIndex(root.into).answer(sql)
    try Console.print(csv ? answer.csv : answer.text)
  }
}

/// `espalier study export`.
struct StudyExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write the runs of a study as comma-separated values.",
    discussion: "espalier study export studies/regrowth-smoke > regrowth.csv")

  @Argument(help: ArgumentHelp("The study's folder.", valueName: "study"), completion: .directory)
  var study: String

  func run() throws {
    let folder = try StudyFolder(study)
    let name = URL(fileURLWithPath: folder.path).lastPathComponent.replacing("\"", with: "\"\"")
    try Console.print(StudyIndex(folder.store.root).answer("SELECT * FROM \"\(name)\"").csv)
  }
}

/// `espalier study schema`.
struct StudySchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Print the JSON Schema of recipes, for editors.",
    discussion: """
      espalier study schema > recipe.schema.json

      An editor with YAML support completes and checks a recipe whose first line
      names that file:
        # yaml-language-server: $schema=recipe.schema.json
      """)

  func run() throws {
    try Console.print(Format.json(RecipeSchema.schema(RunResolver.vocabulary(), version: Espalier.version)))
  }
}

extension Recipe {
  /// Reads a recipe; runs have one thread unless it says otherwise.
  ///
  /// - Throws: `FileError`; `RecipeError`.
  static func read(_ path: String, scale: String?, dataDirectory: String? = nil) throws -> Recipe {
    var bytes = try RegularFile.read(path, limit: 1_000_000)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      // No line ends within a character.
      let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      let line = (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0) + 1
      throw RecipeError(file: path, place: .init(line: line, column: 1), problem: "this is not UTF-8: save the recipe as UTF-8")
    }
    var recipe = try Recipe(yaml: text, file: path, scale: scale, vocabulary: RunResolver.vocabulary())
    let given = Set(recipe.shared.settings.map(\.option))
    var usual: [Setting] = given.contains("threads") ? [] : [Setting("threads", .text("1"))]
    if let dataDirectory, !given.contains("data-dir") { usual.append(Setting("data-dir", .text(dataDirectory))) }
    recipe.shared.settings = usual + recipe.shared.settings
    return recipe
  }
}

extension StudyFolder {
  /// What the study knows now, its claims judged.
  func judged() throws -> StudyResult {
    let content = try content()
    let recipe = try Recipe(yaml: recipe(), file: path + "/recipe.yaml", scale: content.scale, vocabulary: RunResolver.vocabulary())
    return try result(claims: recipe.claims)
  }
}

extension RecipeError: ReportedError {
  var exitStatus: ExitStatus { .configuration }
}

extension QueryError: ReportedError {
  var exitStatus: ExitStatus { .usage }
}

extension StoreError: ReportedError {
  var exitStatus: ExitStatus { isMissing ? .noInput : .dataError }
}
