internal import Results

/// A job array of Slurm: runs of a study that can start at the same moment and need as many cores.
///
/// Runs that start from the model of another run are an array of their own for each such run, so that they wait for it alone.
public struct SlurmArray: Codable, Hashable, Sendable {
  /// Keys of the runs, in the order of the tasks' indices.
  public var keys: [String]
  /// Key of the run that all of them start from; nil if they start from none that is still to come.
  public var from: String?
  /// Cores of each task: the threads of its run.
  public var cores: Int

  /// Creates an array; every parameter sets the property of the same name.
  public init(keys: [String], from: String? = nil, cores: Int = 1) {
    self.keys = keys
    self.from = from
    self.cores = cores
  }

  /// The most tasks of an array: Slurm's `MaxArraySize` is 1001 unless it was changed.
  public static let mostTasks = 1000

  /// The script of the array's tasks: each carries out the run of its index.
  ///
  /// - Parameters:
  ///   - program: path of the program.
  ///   - study: path of the study's folder.
  public func script(program: String, study: String) -> String {
    """
    #!/bin/bash
    keys=(
    \(keys.map { "  \($0)\n" }.joined()))
    exec \([program, "study", "work", study].shellWords) "${keys[$SLURM_ARRAY_TASK_ID]}"

    """
  }

  /// The options for sbatch.
  ///
  /// A task that was killed is put back into the queue, and goes on from its run's checkpoint; its output is appended to the earlier one.
  /// - Parameters:
  ///   - name: name of the job.
  ///   - output: folder for what the tasks print.
  ///   - atOnce: the most tasks that run at the same time; nil for no limit.
  ///   - task: Slurm's number of the task that carries out ``from``, e.g. `12_3`; nil if nothing has to be waited for.
  public func options(name: String, output: String, atOnce: Int? = nil, after task: String? = nil) -> [String] {
    var options = [
      "--parsable", "--job-name=\(name)", "--array=0-\(max(keys.count, 1) - 1)" + (atOnce.map { "%\($0)" } ?? ""),
      "--cpus-per-task=\(cores)", "--requeue", "--open-mode=append",
      // In names of files, Slurm takes a percent sign for the beginning of a field.
      "--output=\(output.replacing("%", with: "%%"))/%A_%a.txt",
    ]
    if let task { options += ["--dependency=afterok:\(task)", "--kill-on-invalid-dep=yes"] }
    return options
  }
}

extension StudyPlan {
  /// The given runs as job arrays, those that others start from before these.
  ///
  /// - Parameter keys: keys of the runs to carry out; runs that start from any other do not wait for it.
  public func slurmArrays(of keys: Set<String>) -> [SlurmArray] {
    struct Kind: Hashable {
      var from: String?
      var cores: Int
    }
    var (order, groups): ([Kind], [Kind: [String]]) = ([], [:])
    for run in runs where keys.contains(run.key) {
      let kind = Kind(from: run.from.flatMap { keys.contains($0) ? $0 : nil }, cores: run.threads)
      if groups[kind] == nil { order.append(kind) }
      groups[kind, default: []].append(run.key)
    }
    return order.flatMap { kind in
      let keys = groups[kind] ?? []
      return stride(from: 0, to: keys.count, by: SlurmArray.mostTasks).map { start in
        SlurmArray(keys: Array(keys[start...].prefix(SlurmArray.mostTasks)), from: kind.from, cores: kind.cores)
      }
    }
  }
}

extension PlannedRun {
  /// The threads that its command line asks for.
  public var threads: Int {
    arguments.lastIndex(of: "--threads").flatMap { arguments.indices.contains($0 + 1) ? Int(arguments[$0 + 1]) : nil } ?? 1
  }
}
