import Testing
import Torch

@testable import Pruning

@Suite struct BallotTests {
  private func vote(_ scores: [[Double]], removing share: Double, allocation: Allocation = .layer) throws -> Vote {
    let layers = try scores.enumerated().map {
      ScoredLayer(name: "l\($0.offset)", scores: try Tensor($0.element, shape: [$0.element.count]))
    }
    return Vote(layers: layers, selection: try Selection(.ofKept(share), of: layers, rule: SelectionRule(allocation)))
  }

  private func choice(_ ballot: Ballot, _ vote: Vote, removing share: Double) throws -> Vote {
    let layers = try ballot.rescored(vote.layers)
    return Vote(layers: layers, selection: try Selection(.ofKept(share), of: layers, rule: SelectionRule(.layer)))
  }

  /// Each of three models keeps two of four units. Unit 3 has three votes, 0 two, 2 one, 1 none.
  @Test func fewestVotesLeaveFirst() throws {
    var ballot = Ballot()
    let votes = try [[3.0, 1, 2, 9], [5, 1, 2, 4], [1, 2, 90, 100]].map { try vote([$0], removing: 0.5) }
    for vote in votes { try ballot.add(vote) }
    #expect(try ballot.votes["l0"]?.array(Double.self) == [2, 0, 1, 3])
    #expect(try choice(ballot, votes[0], removing: 0.25).selection.removedIndices(from: votes[0].layers) == ["l0": [1]])
    let half = try choice(ballot, votes[0], removing: 0.5)
    #expect(try half.selection.removedIndices(from: votes[0].layers) == ["l0": [1, 2]])
    // Two of three keep 0 and 3; one keeps 2.
    #expect(try ballot.exceptions(to: 2, in: half) == (0, 0) && ballot.exceptions(to: 1, in: half) == (1, 0))
    #expect(try ballot.exceptions(to: 3, in: half) == (0, 1))
    let most = try choice(ballot, votes[0], removing: 0.75)
    #expect(try ballot.exceptions(to: 2, in: most) == (1, 0))
  }

  /// Among equal votes the sum of scores decides, each model's divided by their mean in the layer: 100 of a model with large scores counts
  /// less than 3 of one with small ones.
  @Test func amongEqualsTheLowestMeanScore() throws {
    var ballot = Ballot()
    let votes = try [[10.0, 3, 1, 2], [1, 4, 100, 95]].map { try vote([$0], removing: 0.5) }
    for vote in votes { try ballot.add(vote) }
    #expect(try ballot.votes["l0"]?.array(Double.self) == [1, 1, 1, 1])
    // Means 4 and 50: 2.5 + 0.02, 0.75 + 0.08, 0.25 + 2, 0.5 + 1.9.
    #expect(try ballot.scores["l0"]?.array(Double.self) == [2.52, 0.83, 2.25, 2.4])
    #expect(try choice(ballot, votes[0], removing: 0.25).selection.removedIndices(from: votes[0].layers) == ["l0": [1]])
    #expect(try choice(ballot, votes[0], removing: 0.5).selection.removedIndices(from: votes[0].layers) == ["l0": [1, 2]])
  }

  /// However large a score is, it does not outweigh a vote.
  @Test func aVoteCountsMoreThanAnyScore() throws {
    let ballot = Ballot(votes: ["l0": try Tensor([1.0, 2], shape: [2])], scores: ["l0": try Tensor([1e300, -1e300], shape: [2])])
    let layer = ScoredLayer(name: "l0", scores: try Tensor([0.0, 0], shape: [2]))
    let scores = try ballot.rescored([layer])[0].scores.array(Double.self)
    #expect(scores[0] < scores[1])
  }

  @Test func whatIsGoneDoesNotVote() throws {
    let mask = try Tensor([true, true, false, true], shape: [4])
    let layer = ScoredLayer(name: "l0", scores: try Tensor([3.0, 1, 0, 2], shape: [4]), kept: mask)
    var ballot = Ballot()
    try ballot.add(Vote(layers: [layer], selection: try Selection(.count(1), of: [layer], rule: SelectionRule(.layer))))
    #expect(try ballot.votes["l0"]?.array(Double.self) == [1, 0, 0, 1])
    let layers = try ballot.rescored([layer])
    let choice = Vote(layers: layers, selection: try Selection(.count(2), of: layers, rule: SelectionRule(.layer)))
    // The masked one neither leaves again nor counts as left.
    #expect(try choice.selection.removedIndices(from: layers) == ["l0": [1, 3]] && ballot.exceptions(to: 1, in: choice) == (1, 0))
    #expect {
      _ = try Ballot().rescored([layer])
    } throws: {
      "\($0)".contains("no votes were cast for layer l0")
    }
  }
}
