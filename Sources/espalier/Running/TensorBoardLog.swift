internal import Experiments
internal import Results
internal import TensorBoard

/// The moments of a run as charts of TensorBoard, by training steps: `loss/training`, `loss/validation`, `accuracy/validation`,
/// `learning-rate`, and at removals `density` of all, `density/LAYER`, `accuracy/before-removal` and `accuracy/after-removal`; `training` is the
/// number of the training in progress, from 1, and the text `command` the command line.
final class TensorBoardLog: RunObserver {
  private let folder: String
  private let command: [String]
  private let note: (String) -> Void
  private var file: EventFile?

  /// Names the folder; nothing is written before the run begins.
  ///
  /// - Parameters:
  ///   - command: the command line, program name first.
  ///   - note: called with a line for the user if a resumed run finds no beginning of its charts.
  init(_ folder: String, command: [String], note: @escaping (String) -> Void) {
    (self.folder, self.command, self.note) = (folder, command, note)
  }

  func begin(after count: Int) throws {
    let file = try EventFile(in: folder, keeping: count, heading: [("command", "    " + command.shellWords)])
    if file.kept < count { note("\(folder) has \(file.kept) of the \(count) events from before the checkpoint") }
    self.file = file
  }

  /// Writes one event, whatever the moment is, so that events can be counted as moments are.
  func observe(_ moment: RunMoment) throws { try file?.write(Self.values(of: moment), step: moment.step) }

  func synchronize() throws { try file?.synchronize() }

  static func values(of moment: RunMoment) -> [(tag: String, value: EventFile.Value)] {
    switch moment {
    // No texts: readers would not forget them where a further file takes their place.
    case .began(let phase), .ended(let phase): scalars([("training", Double(phase.training + 1))])
    case .evaluated(let evaluation):
      scalars([
        ("loss/training", evaluation.trainingLoss), ("loss/validation", evaluation.validationLoss),
        ("accuracy/validation", evaluation.validationAccuracy), ("learning-rate", evaluation.learningRate),
      ])
    case .removed(let removal):
      scalars(
        [
          ("density", removal.sparsity.map { 1 - $0 }), ("accuracy/before-removal", removal.accuracyBefore),
          ("accuracy/after-removal", removal.accuracyAfter),
        ] + (removal.layers ?? []).map { ("density/\($0.layer)", $0.density) })
    }
  }

  private static func scalars(_ values: [(String, Double?)]) -> [(tag: String, value: EventFile.Value)] {
    values.compactMap { tag, value in value.map { (tag, .scalar($0)) } }
  }
}
