import Collectives
import Datasets
import Foundation
import Kernels
import Records
import Tasks
import Testing

@testable import Scoring

/// Figures beyond the mean loss, beside those of naive models.
@Suite struct FigureTests {
  private func isNear(_ value: Double?, _ expected: Double) -> Bool {
    value.map { abs($0 - expected) < 1e-12 } ?? false
  }

  /// Of four targets the model ranks one first and one third; the most popular item is one of them.
  @Test func recommendationsAreJudgedByRecallAndRank() throws {
    let kind = ItemFigures(first: 2)
    // By length 1, 5, 10, 20: targets among them, and the sum of 1 / rank.
    let model: [Double] = [1, 1, 2, 1 + 1.0 / 3, 2, 1 + 1.0 / 3, 3, 1 + 1.0 / 3 + 1.0 / 12]
    let popular: [Double] = [1, 1, 1, 1, 1, 1, 1, 1]
    let figures = kind.figures(of: [4] + model + popular)
    #expect(isNear(figures.values["recall_at_1"], 0.25))
    #expect(isNear(figures.values["recall_at_5"], 0.5))
    #expect(isNear(figures.values["recall_at_20"], 0.75))
    #expect(isNear(figures.values["mrr_at_5"], (1 + 1.0 / 3) / 4))
    let baseline = try #require(figures.baselines.first)
    #expect(baseline.name == "most_popular")
    #expect(isNear(baseline.values["mrr_at_20"], 0.25))
    for metric in TaskName.recommendation.description.metrics {
      #expect(figures.values[metric.name] != nil, "\(metric.name)")
    }
  }

  /// Of 10 examples 6 are "a", 3 "b", 1 "c"; confusions [[5, 1, 0], [1, 2, 0], [1, 0, 0]].
  @Test func classesAreJudgedByPrecisionAndRecall() throws {
    let kind = ClassFigures(classes: ["a", "b", "c", "never"])
    let confusions: [[Double]] = [[5, 1, 0, 0], [1, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    let figures = kind.figures(
      of: [6, 3, 1, 0] + [7, 3, 0, 0] + [5, 2, 0, 0] + confusions.flatMap { $0 })
    let f1 = [10.0 / 13, 4.0 / 6, 0]
    #expect(isNear(figures.values["macro_f1"], f1.reduce(0, +) / 3))
    #expect(isNear(figures.values["balanced_accuracy"], (5.0 / 6 + 2.0 / 3) / 3))
    let largest = try #require(figures.baselines.first)
    #expect(largest.values["accuracy"] == 0.6)
    #expect(isNear(largest.values["macro_f1"], 0.75 / 3))
    #expect(isNear(largest.values["balanced_accuracy"], 1.0 / 3))
    let entropy = -(0.6 * log(0.6) + 0.3 * log(0.3) + 0.1 * log(0.1))
    #expect(isNear(figures.baselines.last?.values["loss"], entropy))
    // A tenth is a rare class among four, so that people see it.
    #expect(figures.minor.isEmpty)
    #expect(figures.tables.map(\.name) == ["classes", "confusion"])
    #expect(figures.tables[1].json.line == "[[5,1,0,0],[1,2,0,0],[1,0,0,0],[0,0,0,0]]")
    let lines = figures.tables[0].lines
    #expect(lines[1] == "  class  count  predicted  precision  recall      f1")
    #expect(lines[4] == "  c          1          0          -  0.0000  0.0000")
    #expect(lines[5] == "  never      0          0          -       -       -")
  }

  @Test func manyClassesHaveNoConfusions() {
    let kind = ClassFigures(classes: (0..<65).map { "\($0)" })
    #expect(kind.sumCount == 195)
    let figures = kind.figures(of: [Double](repeating: 1, count: 195))
    #expect(figures.values["macro_f1"] == 1)
    #expect(figures.minor == ["balanced_accuracy"])
    #expect(figures.tables.count == 1)
    #expect(figures.tables[0].lines.last == "  ... 5 more with --json")
  }

  @Test func nothingMeasuredHasNoFigures() {
    for kind in [
      ClassFigures(classes: ["a", "b"]) as any FigureKind, LabelFigures(columns: ["a"]),
      ValueFigures(nil, task: TaskName.adding.description, columns: ["a"]),
    ] {
      let figures = kind.figures(of: [Double](repeating: 0, count: kind.sumCount))
      let numbers = Array(figures.values.values) + figures.baselines.flatMap(\.values.values)
      for number in numbers { #expect(number.isFinite) }
    }
  }

  /// 4 steps of 2 columns: the first is a yes twice, the second always.
  @Test func labelsStandBesideTheVectorBefore() throws {
    let kind = LabelFigures(columns: ["a", "b"])
    let figures = kind.figures(of: [4, 3, 2] + [2, 3, 2, 1, 1] + [4, 4, 4, 4, 4])
    #expect(isNear(figures.values["frame_accuracy"], 6.0 / 7))
    #expect(isNear(figures.values["micro_f1"], 12.0 / 13))
    #expect(figures.values["exact_match"] == 0.75)
    #expect(isNear(figures.baselines[0].values["nll"], log(2)))
    let before = figures.baselines[1].values
    #expect(isNear(before["frame_accuracy"], 5.0 / 6))
    #expect(before["exact_match"] == 0.5)
    #expect(before["label_accuracy"] == 7.0 / 8)
  }

  /// Two numbers of the deviations 10 and 2, in units of which the targets 1, 3 of the first and -2
  /// of the second were told as 2, 3 and 0; one is missing.
  @Test func numbersAreInUnitsOfTheDataToo() throws {
    let predicted = PredictedNumbers(
      names: ["x", "y"], means: [5, 7], deviations: [10, 2], isScaled: true)
    var task = TaskName.regression.description
    task.masksTargets = true
    let kind = ValueFigures(predicted, task: task, columns: [])
    let figures = kind.figures(of: [2, 4, 10, 1, 1, 4, 10] + [1, -2, 4, 2, 4, 2, 4])
    #expect(isNear(figures.values["mse"], 5.0 / 3))
    #expect(isNear(figures.values["mae"], 1))
    // Of the first number alone, as the other does not vary.
    #expect(isNear(figures.values["r2"], 0.5))
    let mean = try #require(figures.baselines.first)
    #expect(isNear(mean.values["mse"], 4.5))
    #expect(isNear(mean.values["mae"], 2))
    #expect(isNear(mean.values["r2"], -4))
    let lines = figures.tables[0].lines
    #expect(lines[1].hasSuffix("  mae    rmse     mse      r2  mae_of_mean  rmse_of_mean"))
    #expect(lines[2].hasSuffix("  5.0000  7.0711  0.5000  0.5000      20.0000       22.3607"))
  }

  @Test func numbersStandBesideTheirMean() {
    let kind = ValueFigures(nil, task: TaskName.adding.description, columns: ["y"])
    // Targets 1, 2, 3 told as 1, 2, 4.
    let figures = kind.figures(of: [3, 6, 14, 1, 1, 0, 0])
    #expect(isNear(figures.values["r2"], 0.5))
    #expect(isNear(figures.baselines[0].values["mse"], 2.0 / 3))
    // Numbers that do not vary have no share that could be told.
    #expect(kind.figures(of: [3, 6, 12, 0, 0, 0, 0]).values["r2"] == nil)
  }

  @Test func worseThanANaiveModelIsSaid() {
    var score = Score(
      task: TaskName.classification.description, loss: 1, lossMetric: 0.5, targets: 10, bytes: 0,
      outputs: 2)
    score.figures = Figures(
      values: ["macro_f1": 0.4, "balanced_accuracy": 0.5],
      baselines: [
        Figures.Baseline("largest_class", ["accuracy": 0.6, "macro_f1": 0.3]),
        Figures.Baseline("class_frequencies", ["loss": 1.5]),
      ])
    #expect(score.warnings == ["worse than the naive largest class: accuracy 0.6000"])
    #expect(
      score.words == "loss 1.0000  accuracy 0.5000 (largest class 0.6000)  macro_f1 0.4000  "
        + "balanced_accuracy 0.5000  (10 sequences)")
    #expect(
      score.json(step: 3).line
        == #"{"kind":"valid","step":3,"loss":1.0,"accuracy":0.5,"macro_f1":0.4,"#
        + #""balanced_accuracy":0.5,"loss_of_class_frequencies":1.5,"#
        + #""accuracy_of_largest_class":0.6,"macro_f1_of_largest_class":0.3}"#)
    for metric in score.task.measures { #expect(score.value(of: metric).isFinite) }
  }
}
