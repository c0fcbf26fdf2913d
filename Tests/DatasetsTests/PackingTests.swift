import Batches
import Datasets
import NumericContract
import Tasks
import Testing

@Suite struct SequencePackingTests {
  private func set(_ lengths: [Int]) -> SequenceSet {
    var set = SequenceSet(columns: ["x"])
    for (index, length) in lengths.enumerated() {
      set.values += (0..<length).map { Float(100 * index + $0) }
      set.endSequence()
    }
    return set
  }

  @Test func everySequenceIsPackedOnceAndFits() {
    var lengths: [Int] = []
    for index in 0..<300 { lengths.append(1 + index * 7919 % 50) }
    let sequences = lengths.enumerated().map { (index: $0, length: $1) }
    for (window, most) in [(50, 50), (64, 3), (173, 173)] {
      let rows = PackedSequences.pack(sequences, window: window, most: most)
      #expect(rows.joined().sorted() == Array(0..<300))
      for row in rows {
        #expect(row.reduce(0) { $0 + lengths[$1] } <= window)
        #expect(row.count <= most)
      }
    }
    let rows = PackedSequences.pack(sequences, window: 200, most: 200)
    #expect(Double(lengths.reduce(0, +)) / Double(rows.count * 200) > 0.95)
  }

  @Test func epochVisitsEveryRowOnceInItsOwnOrder() {
    for count in [1, 2, 3, 5, 16, 17, 100] {
      let order = Permutation(count: count, random: Philox(seed: 3, purpose: .task))
      let first = (0..<count).map { order.number(at: $0, epoch: 0) }
      #expect(first.sorted() == Array(0..<count))
      if count > 10 {
        #expect(first != (0..<count).map { order.number(at: $0, epoch: 1) })
        #expect(first != Array(0..<count))
      }
    }
  }

  @Test func targetsAreCountedOverEpochs() {
    let lengths = [5, 3, 4, 2, 1, 5, 5]
    let packed = PackedSequences(
      set: set(lengths), chosen: Array(lengths.indices),
      target: .classes(HostArray([Int32](repeating: 0, count: lengths.count))), batchRows: 2,
      window: 5, shuffle: Philox(seed: 1, purpose: .task))
    #expect(packed.rowCount == 5)
    #expect(packed.fill == 1)
    #expect(packed.slots == 2)
    #expect(packed.batchCount == 3)
    #expect(packed.targetCount(beforeBatch: 0) == 0)
    #expect(packed.targetCount(beforeBatch: 3) == 7)
    #expect(packed.targetCount(beforeBatch: 6) == 14)
    let steps = PackedSequences(
      set: set([5, 3, 2]), chosen: [0, 2], target: .nextStep, batchRows: 1, window: 5,
      shuffle: nil)
    #expect(steps.rowCount == 1)
    #expect(steps.targetCount(beforeBatch: 1) == 5)
  }

  /// Rows are found in a few steps, and are those that a search of all of them finds.
  @Test func bestFitIsTheTightestOfAllRows() {
    let lengths = (0..<2000).map { 1 + $0 * 7919 % 700 }
    let rows = PackedSequences.pack(
      lengths.enumerated().map { (index: $0, length: $1) }, window: 5000, most: 12)
    var plain: [(left: Int, members: [Int])] = []
    var open: [Int: [Int]] = [:]
    for index in lengths.indices.sorted(by: {
      lengths[$0] == lengths[$1] ? $0 < $1 : lengths[$0] > lengths[$1]
    }) {
      let fitting = open.keys.filter { $0 >= lengths[index] && open[$0]?.isEmpty == false }
      var row = plain.count
      if let left = fitting.min(), let found = open[left]?.popLast() {
        row = found
        plain[row].members.append(index)
      } else {
        plain.append((5000, [index]))
      }
      plain[row].left -= lengths[index]
      if plain[row].left > 0, plain[row].members.count < 12 {
        open[plain[row].left, default: []].append(row)
      }
    }
    #expect(rows == plain.map(\.members))
  }

  @Test func targetsAreTheSameInWhateverOrderTheyAreAskedFor() {
    let lengths = (0..<60).map { 1 + $0 * 31 % 9 }
    func packed() -> PackedSequences {
      PackedSequences(
        set: set(lengths), chosen: Array(lengths.indices),
        target: .classes(HostArray([Int32](repeating: 0, count: lengths.count))), batchRows: 3,
        window: 10, shuffle: Philox(seed: 1, purpose: .task))
    }
    let one = packed()
    for batch in [0, 1, 5, 3, 40, 41, 2, 39] {
      #expect(one.targetCount(beforeBatch: batch) == packed().targetCount(beforeBatch: batch))
    }
    #expect(one.targetCount(beforeBatch: 7 * one.batchCount) == 7 * 60)
    #expect(one.targetCount(beforeBatch: .max / 2) > 0)
  }

  @Test func windowsLieWithinTheirSeries() {
    var plan = SeriesWindows.Plan(targets: [0], horizon: 2)
    plan.stride = 2
    let windows = SeriesWindows(
      set: set([10, 4, 9]), parts: [0..<10, 10..<14, 14..<23], plan: plan, batchRows: 4, window: 5,
      shuffle: nil)
    // A series of 10 has windows of 7 steps at 0 and 2, that of 4 none, that of 9 at 14 and 16.
    #expect(windows.count == 4)
    #expect((0..<4).map { windows.start(of: $0) } == [0, 2, 14, 16])
    #expect(windows.targetCount(beforeBatch: 3) == 12)
  }

  /// What is held out must not be seen in training, not even as a target.
  @Test func heldOutStepsAreForecastOnly() throws {
    var request = SequenceRequest(
      task: TaskName.forecasting.description, rows: 4, window: 6, seed: 1)
    request.validFraction = 0.25
    request.horizon = 3
    let parts = try SequenceParts(
      SequenceParts.Source(starts: [0, 100], path: "x"), request)
    #expect(parts.trainingSteps == [0..<75])
    #expect(parts.validationSteps == [69..<100])
  }

  @Test func rowsGrowToTheLongestSequenceWhereNothingIsTrained() throws {
    let file = try DataFolder(
      "a.jsonl",
      """
      {"values": [1, 2, 3], "label": "a"}
      {"values": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], "label": "b"}
      """)
    var request = file.request(.classification)
    request.valid = file.path
    #expect(throws: DataFileError.self) { try SequenceData(request) }
    request.growsWindow = true
    let data = try SequenceData(request)
    #expect(data.window == 11)
    guard case .sequences(let packed) = data.validation else {
      Issue.record("nothing to measure on")
      return
    }
    #expect(packed.rowCount == 2)
    request.window = 14
    #expect(try SequenceData(request).window == 14)
  }
}
