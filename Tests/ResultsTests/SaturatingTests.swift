import Results
import Testing

@Suite struct SaturatingTests {
  @Test func numbersBeyondWholeOnes() {
    #expect([2.4, 2.5, -2.5, 0, -0.0].map { Int(saturating: $0) } == [2, 3, -3, 0, 0])
    #expect([1e300, .infinity, 9.3e18].map { Int(saturating: $0) } == [.max, .max, .max])
    #expect([-1e300, -.infinity].map { Int(saturating: $0) } == [.min, .min])
    #expect(Int(saturating: .nan) == 0)
  }
}
