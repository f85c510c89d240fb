import Testing

@testable import espalier

@Suite struct TicketWorkersTests {
  /// Five seeds on two cores: two pairs, and one seed that has both cores for itself.
  @Test(arguments: [
    (5, 2, 2, [1, 1, 1, 1, 2]), (4, 2, 2, [1, 1, 1, 1]), (5, 2, 8, [4, 4, 4, 4, 8]), (5, 3, 6, [2, 2, 2, 3, 3]), (2, 3, 2, [1, 1]),
  ])
  func theCoresAreSharedAmongTheSeedsThatRunAtOnce(count: Int, atOnce: Int, cores: Int, expected: [Int]) {
    let threads = (0..<count).map { TicketWorkers.threads(place: $0, of: count, atOnce: min(atOnce, count), cores: cores) }
    #expect(threads == expected)
  }
}
