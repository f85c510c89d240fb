import Results
import Testing

@Suite struct PenaltyTableTests {
  private let header =
    "seed,step,layers,fraction,count,scorer,propagated,mean_at,retrain_steps,removed,loss_before,loss_after,penalty,test_loss_before,test_loss_after"

  @Test func rowsAreTidyText() throws {
    let rows = [
      PenaltyRow(
        seed: 18_446_744_073_709_551_615, step: 250, layers: "lastConv", amount: .fraction(0.1), scorer: "abs-mrs", propagated: true,
        meanAt: "output", retrainSteps: 100, removed: 13, lossBefore: 0.5, lossAfter: 0.75, testLossBefore: 1, testLossAfter: 1.5),
      PenaltyRow(
        seed: 0, step: 0, layers: "a,\"b\"*", amount: .count(1), scorer: "l2", propagated: false, removed: 1, lossBefore: 0.1,
        lossAfter: .infinity),
    ]
    let text = PenaltyTable.text(rows)
    #expect(
      text == header + "\n18446744073709551615,250,lastConv,0.1,,abs-mrs,true,output,100,13,0.5,0.75,0.25,1.0,1.5\n"
        + "0,0,\"a,\"\"b\"\"*\",,1,l2,false,consumer,0,1,0.1,inf,inf,,\n")
    #expect(try PenaltyTable.rows(in: text, place: "x") == rows)
  }

  @Test(arguments: [
    ("seed,step\n", "rows.csv:1: is no table of penalties: its columns must be HEADER"),
    ("", "rows.csv:1: is no table of penalties: its columns must be HEADER"),
    ("HEADER\n0,1\n", "rows.csv:2: has 2 cells, not 15"),
    ("HEADER\n0,x,all,0.1,,l2,true,output,0,1,1,1,0,,\n", "rows.csv:2: step cannot be \"x\""),
    ("HEADER\n0,-1,all,0.1,,l2,true,output,0,1,1,1,0,,\n", "rows.csv:2: step cannot be \"-1\""),
    ("HEADER\n0,1,all,,,l2,true,output,0,1,1,1,0,,\n", "rows.csv:2: count cannot be \"\""),
    ("HEADER\n0,1,all,,1,l2,yes,output,0,1,1,1,0,,\n", "rows.csv:2: propagated cannot be \"yes\""),
  ])
  func damagedTables(text: String, words: String) {
    func filled(_ text: String) -> String { text.split(separator: "HEADER", omittingEmptySubsequences: false).joined(separator: header) }
    let error = #expect(throws: PenaltyTableError.self) { try PenaltyTable.rows(in: filled(text), place: "rows.csv") }
    #expect(error?.description == filled(words))
  }

  @Test func aSummaryPutsPropagationSideBySide() {
    let rows = [penaltyRow(0.25), penaltyRow(-0.5, with: true), penaltyRow(1, amount: .count(2), scorer: "rs", removed: 1200)]
    #expect(
      PenaltyTable.summary(rows) == """
        loss of the whole model: 1.000

        means at  layers   amount  scorer  units gone  penalty  with means
        consumer  all         0.5  l2               3    0.250      −0.500
        consumer  all     2 units  rs           1,200     1.00           –

        """)
  }
}
