import Networks
import Testing
import Torch

@testable import Pruning

struct GroupReductionTests {
  private func member(_ node: String, from offset: Int = 0, spread: Int = 1) -> ChannelGroup.Member {
    .init(node: node, module: node, features: Array(offset..<offset + 4), spread: spread)
  }

  @Test func layersOfASumTogether() throws {
    let members = [
      (member: member("stem"), scores: try Tensor([1, 2, 3] as [Float])),
      (member: member("conv2"), scores: try Tensor([5, 0, 3] as [Float])),
    ]
    let expected: [GroupReduction: [Double]] = [.mean: [3, 1, 3], .sum: [6, 2, 6], .max: [5, 2, 3]]
    for (reduction, values) in expected {
      #expect(try reduction.scores(width: 3, of: members).array(Double.self) == values, "\(reduction)")
    }
    // One layer's vector is taken over as it is.
    #expect(try GroupReduction.first.scores(width: 3, of: members).array(Float.self) == [1, 2, 3])
    #expect(GroupReduction.allCases.map(\.rawValue) == ["mean", "sum", "max", "first"])
  }

  @Test func severalFeaturesOfOneChannelAndPartsOfALayer() throws {
    // Channel c is features 2c and 2c + 1 of the first, and feature 1 + c of the second.
    let members = [
      (member: member("grouped", spread: 2), scores: try Tensor([1, 3, 10, 20] as [Double])),
      (member: member("part", from: 1), scores: try Tensor([-1, 5, 6, -1] as [Float])),
    ]
    #expect(try GroupReduction.mean.scores(width: 2, of: members).array(Double.self) == [3, 12])
    #expect(try GroupReduction.sum.scores(width: 2, of: members).array(Double.self) == [9, 36])
    #expect(try GroupReduction.max.scores(width: 2, of: members).array(Double.self) == [5, 20])
    #expect(try GroupReduction.first.scores(width: 2, of: members).array(Double.self) == [2, 15])
    #expect(try GroupReduction.first.scores(width: 2, of: [members[1]]).array(Double.self) == [5, 6])
  }

  @Test func notANumberStaysSo() throws {
    let members = [
      (member: member("a"), scores: try Tensor([.nan, 2, 1] as [Double])),
      (member: member("b"), scores: try Tensor([3, 1, .nan] as [Double])),
    ]
    for reduction in GroupReduction.allCases {
      let scores = try reduction.scores(width: 3, of: members).array(Double.self)
      #expect(scores.map(\.isNaN) == [true, false, reduction != .first], "\(reduction)")
    }
  }

  @Test func vectorsThatAreTooShort() throws {
    let members = [(member: member("a", from: 2), scores: try Tensor([1, 2, 3] as [Double]))]
    let error = #expect(throws: PruningError.self) { try GroupReduction.mean.scores(width: 2, of: members) }
    #expect(error?.description == "a: 3 scores, none for unit 3")
  }
}
