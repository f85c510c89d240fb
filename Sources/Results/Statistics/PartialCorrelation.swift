extension Statistics {
  /// Returns the partial correlation of two quantities within settings: Pearson's r of what is left of both after each setting's mean, and
  /// a linear dependence on further quantities, are taken away.
  ///
  /// With G settings and K covariates that are linearly independent within them, t and Fisher's interval have n − G − K − 1 degrees of
  /// freedom: p is that of the coefficient of x in a regression of y on x, the covariates and a dummy for each setting.
  ///
  /// A setting with one pair says nothing and costs nothing. Nil with different counts, if x or y is determined by settings and covariates,
  /// if a number is not finite, and for a level outside 0…1 (exclusive); without a degree of freedom p is 1, with fewer than two there is no
  /// interval.
  /// - Parameters:
  ///   - settings: the setting of each pair, e.g. its network and learning rate.
  ///   - covariates: further quantities, each with a value for each pair.
  public static func partialCorrelation<Setting: Hashable>(
    _ x: [Double], _ y: [Double], settings: [Setting], covariates: [[Double]] = [], level: Double = 0.95
  ) -> Correlation? {
    let columns = [x, y] + covariates
    guard columns.allSatisfy({ $0.count == settings.count && $0.allSatisfy(\.isFinite) }) else { return nil }
    let members = Dictionary(grouping: settings.indices) { settings[$0] }.values
    var basis: [[Double]] = []

    /// What is left of values, scaled to length 1; nil if that is nothing but rounding errors.
    func residual(_ values: [Double]) -> [Double]? {
      var rest = values
      for group in members {
        guard let mean = mean(group.map { values[$0] }) else { continue }
        for index in group { rest[index] -= mean }
      }
      // A second round takes away what the rounding errors of the first have left.
      for direction in basis + basis {
        let share = product(rest, direction)
        for index in rest.indices { rest[index] -= share * direction[index] }
      }
      let length = product(rest, rest).squareRoot()
      guard length > 1e-12 * product(values, values).squareRoot(), length.isFinite else { return nil }
      return rest.map { $0 / length }
    }

    for covariate in covariates {
      if let direction = residual(covariate) { basis.append(direction) }
    }
    let freedom = settings.count - members.count - basis.count - 1
    guard freedom >= 0, let left = residual(x), let right = residual(y) else { return nil }
    return Correlation(
      coefficient: min(max(product(left, right), -1), 1), degreesOfFreedom: freedom, level: level, count: settings.count)
  }

  /// Returns the partial correlation of two quantities given others, with n − K − 2 degrees of freedom; otherwise like
  /// ``partialCorrelation(_:_:settings:covariates:level:)`` with one setting.
  public static func partialCorrelation(
    _ x: [Double], _ y: [Double], covariates: [[Double]], level: Double = 0.95
  ) -> Correlation? {
    partialCorrelation(x, y, settings: x.map { _ in 0 }, covariates: covariates, level: level)
  }

  private static func product(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
}
