import Testing

@testable import Results

@Suite struct SequenceSummaryTests {
  private func accuracy(_ correct: Int) -> Accuracy { Accuracy(correct: correct, count: 100, loss: 1) }

  private var summary: SequenceSummary {
    SequenceSummary(
      words: "2 passes over 2 data sets, last layers remembered", things: "filters",
      datasets: [
        .init(
          name: "mnist", classes: 10, training: 2000, validation: 100, test: 100, adaptation: "grey repeated to 3 channels",
          fit: .init(accuracy: 0.81, start: 0.09, steps: 12, examples: 2000), testAtEnd: accuracy(79)),
        .init(name: "cifar-10", classes: 10, training: 2000, validation: 100, test: 0),
      ],
      changes: [
        .init(dataset: 0, pass: 1, step: 10, left: 64, accuracies: [accuracy(90), nil], training: accuracy(99)),
        .init(dataset: nil, pass: 1, step: 10, left: 60, accuracies: [accuracy(88), nil]),
        .init(dataset: 1, pass: 1, step: 20, left: 60, accuracies: [accuracy(40), accuracy(50)]),
        .init(dataset: nil, pass: 1, step: 20, left: 57, accuracies: [accuracy(41), accuracy(49)]),
        .init(dataset: 0, pass: 2, step: 30, left: 57, accuracies: [accuracy(93), accuracy(30)]),
        .init(dataset: nil, pass: 2, step: 30, left: 54, accuracies: [accuracy(92), accuracy(31)]),
        .init(dataset: 1, pass: 2, step: 40, left: 54, accuracies: [accuracy(70), accuracy(55)]),
      ], votes: [], headSteps: 50)
  }

  @Test func whatIsReadOff() {
    #expect(summary.afterTraining(on: 0).map(\.fraction) == [0.9, 0.93] && summary.afterTraining(on: 1).map(\.fraction) == [0.5, 0.55])
    #expect(summary.atEnd(on: 0)?.fraction == 0.7 && summary.atEnd(on: 5) == nil)
    #expect(summary.forgotten(of: 0).map { ($0 * 1000).rounded() } == 230 && summary.forgotten(of: 1) == 0)
  }

  /// A row that anyone may have written names data sets that it does not have.
  @Test func aDataSetThatIsNotThereIsNumbered() {
    var forged = summary
    forged.changes[0].dataset = 9
    forged.changes[2].dataset = -1
    let text = forged.text
    #expect(text.contains("\ndata set 9, pass 1 ") && text.contains("\ndata set -1, pass 1 "))
  }

  @Test func tables() {
    #expect(
      summary.text == """
        accuracy after    filters left  training    mnist  cifar-10
        mnist, pass 1               64   99.00 %  90.00 %         –
          removal                   60         –  88.00 %         –
        cifar-10, pass 1            60         –  40.00 %   50.00 %
          removal                   57         –  41.00 %   49.00 %
        mnist, pass 2               57         –  93.00 %   30.00 %
          removal                   54         –  92.00 %   31.00 %
        cifar-10, pass 2            54         –  70.00 %   55.00 %

        data set     examples   pass 1   pass 2   at end      forgotten     test  head alone    from  steps
        mnist     2,000 + 100  90.00 %  93.00 %  70.00 %  +23.00 points  79.00 %     81.00 %  9.00 %     12
        cifar-10  2,000 + 100  50.00 %  55.00 %  55.00 %   ±0.00 points        –           –       –      –

        """)
  }

  /// Where nothing is held out, test images judge.
  @Test func whatJudges() {
    func words(_ held: [Int]) -> String? {
      var summary = summary
      for (index, count) in held.enumerated() { summary.datasets[index].validation = count }
      return summary.facts.first?.words.split(separator: ";").dropFirst().first.map(String.init)
    }
    let end = ", each with its own last layer"
    #expect(words([100, 100]) == " accuracy on validation images" + end)
    #expect(words([0, 0]) == " accuracy on test images" + end)
    #expect(words([0, 100]) == " accuracy on validation images (of mnist on test images)" + end)
  }
}
