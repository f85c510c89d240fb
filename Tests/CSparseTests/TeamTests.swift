import CSparse
import Foundation
import Testing

@Suite struct TeamTests {
  /// Each member writes its cell and, when all have come, finds everybody's; the last cell counts what was missing.
  private static let meet: @convention(c) (UnsafeMutableRawPointer, UInt32, OpaquePointer) -> Void = { context, member, team in
    let cells = context.assumingMemoryBound(to: Int32.self)
    let count = Int(cs_team_count(team))
    for round in 1...20 as ClosedRange<Int32> {
      cells[Int(member)] = cells[count] + round
      cs_team_wait(team)
      if (0..<count).contains(where: { cells[$0] != cells[count] + round }) { cells[count + 1] += 1 }
      cs_team_wait(team)
    }
  }

  @Test(arguments: [1, 2, 3, 8] as [UInt32]) func allWaitForAll(count: UInt32) throws {
    let team = try #require(cs_team_new(count))
    defer { cs_team_free(team) }
    #expect(cs_team_count(team) == count)
    let cells = UnsafeMutablePointer<Int32>.allocate(capacity: Int(count) + 2)
    cells.initialize(repeating: 0, count: Int(count) + 2)
    defer { cells.deallocate() }
    for call in 0..<30 as Range<Int32> {
      cells[Int(count)] = 100 * call
      cs_team_run(team, Self.meet, cells)
      #expect((0..<Int(count)).allSatisfy { cells[$0] == 100 * call + 20 }, "call \(call)")
      // Long enough for the others to fall asleep.
      if call % 10 == 0 { usleep(5_000) }
    }
    #expect(cells[Int(count) + 1] == 0)
  }

  @Test func aTeamThatNeverWorkedEnds() throws { cs_team_free(try #require(cs_team_new(4))) }
}
