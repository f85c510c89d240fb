extension SequenceSummary {
  /// For each data set, how much better the network is right after the second training on it than after the first.
  public var secondPassGains: [Double] {
    datasets.indices.compactMap { index in
      let after = afterTraining(on: index)
      return after.count > 1 ? after[1].fraction - after[0].fraction : nil
    }
  }
}

extension RowQuantity {
  /// The quantities of runs on several data sets, and of those that learn from tasks.
  static let manyData: [RowQuantity] =
    [
      RowQuantity("second-pass-gain", "accuracy gained by the second pass, mean over data sets", unit: "fraction") { row in
        Statistics.mean(row.sequence?.secondPassGains ?? [])
      },
      RowQuantity("least-second-pass-gain", "accuracy gained by the second pass, the least of all data sets", unit: "fraction") { row in
        row.sequence?.secondPassGains.min()
      },
      RowQuantity("forgotten", "accuracy lost since the last training on a data set, mean over data sets", unit: "fraction") { row in
        row.sequence.flatMap { sequence in Statistics.mean(sequence.datasets.indices.compactMap(sequence.forgotten)) }
      },
      RowQuantity("head-steps", "steps of a fresh last layer to 95 % of the accuracy, the most of all data sets") { row in
        let steps = row.sequence?.datasets.compactMap(\.fit).map(\.steps) ?? []
        return steps.contains(nil) ? nil : steps.compactMap(\.self).max().map(Double.init)
      },
    ]
    + ["pruned", "full", "random", "one-dataset"].map { arm in
      RowQuantity("unseen-accuracy-\(arm)", "accuracy on tasks of unseen classes, \(arm) network", unit: "fraction") { row in
        row.meta?.arms.first { $0.name == arm }?.unseen.accuracy
      }
    }
}
