/// The trainings of one seed of a lottery-ticket study, as a row keeps them: of each the evaluations that tables and claims are about.
public struct TicketRecords: Codable, Hashable, Sendable {
  /// The trainings, branch by branch and round by round; of their evaluations only that at the early stop and the last.
  public var rounds: [TicketRound]
  /// How the study departs from the paper's setting, in words; nil if it does not.
  public var departure: String?

  /// Keeps what is needed of some records.
  public init(_ records: [TicketRound], departure: String? = nil) {
    rounds = records.map { record in
      var record = record
      let (stop, last) = (record.earlyStop, record.evaluations.last)
      record.evaluations = stop == last ? [last].compactMap(\.self) : [stop, last].compactMap(\.self)
      return record
    }
    self.departure = departure
  }
}

extension TicketAnalysis {
  /// Analyses the tickets of several rows, one for each seed.
  public init(_ records: [TicketRecords]) {
    self.init(records.flatMap(\.rounds), departure: records.lazy.compactMap(\.departure).first)
  }
}
