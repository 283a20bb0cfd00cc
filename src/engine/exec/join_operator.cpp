#include "engine/exec/join_operator.h"

namespace eventd::engine {

/// Joins rows on disk, one partition after the other; what is too large is divided further.
class JoinOperator::Partitions {
 public:
  Partitions(const OperatorContext& context, JoinBuild& build)
      : context_(context), plan_(build.plan()), grant_(context.memory) {
    push(build.build_rows(), build.probe_rows());
  }

  Result<bool> next(JoinProber& prober, Batch& out) {
    for (;;) {
      if (table_ == nullptr) {
        ASSIGN_OR_RETURN(const bool more, open_next(prober));
        if (!more) return false;
      }
      ASSIGN_OR_RETURN(const bool given, prober.next(out));
      if (given) return true;
      if (probe_ != nullptr) {
        Batch batch;
        ASSIGN_OR_RETURN(const bool more, probe_->next(batch));
        if (more) {
          RETURN_IF_ERROR(prober.take(std::move(batch)));
          continue;
        }
        probe_.reset();
      }
      if (prober.next_unmatched(out)) return true;
      table_.reset();
    }
  }

 private:
  struct Part {
    const SpillStream* build;
    const SpillStream* probe;  // null = no rows
    uint32_t level;
  };

  void push(const SpillPartitions& build, const SpillPartitions* probe) {
    for (uint32_t i = 0; i < SpillPartitions::kFanout; ++i) {
      parts_.push_back({&build.partition(i), probe == nullptr ? nullptr : &probe->partition(i), build.level()});
    }
  }

  Result<bool> open_next(JoinProber& prober) {
    while (!parts_.empty()) {
      const Part part = parts_.back();
      parts_.pop_back();
      const bool probes = part.probe != nullptr && part.probe->row_count() > 0;
      if (!probes && (!plan_.build_outer || part.build->row_count() == 0)) continue;
      ASSIGN_OR_RETURN(const bool fits, load(part));
      if (!fits) {
        RETURN_IF_ERROR(divide(part));
        continue;
      }
      prober.start(*table_);
      if (probes) probe_ = std::make_unique<SpillReader>(part.probe->read());
      return true;
    }
    return false;
  }

  Result<bool> load(const Part& part) {
    const bool last_level = part.level + 1 == SpillPartitions::kLevelsMax;
    grant_.reset();
    auto table = std::make_unique<JoinTable>(plan_.layout);
    // Read again when it turns out to be too large.
    SpillReader reader = part.build->read(last_level);
    for (;;) {
      Batch batch;
      ASSIGN_OR_RETURN(const bool more, reader.next(batch));
      if (!more) break;
      ASSIGN_OR_RETURN(const std::vector<Vector> keys, evaluate_all(plan_.build_keys, batch, *context_.eval));
      RETURN_IF_ERROR(table->add(batch.columns, keys, batch.size));
      const size_t bytes = table->memory_bytes() + table->table_bytes_expected();
      if (last_level) {
        RETURN_IF_ERROR(grant_.ensure(bytes));
      } else if (!grant_.try_ensure(bytes)) {
        grant_.reset();
        return false;
      }
    }
    RETURN_IF_ERROR(table->finish(context_.cancel));
    table_ = std::move(table);
    return true;
  }

  Status divide(const Part& part) {
    ASSIGN_OR_RETURN(auto build, divided(*part.build, plan_.layout.column_types, plan_.build_keys, part.level + 1));
    std::unique_ptr<SpillPartitions> probe;
    if (part.probe != nullptr) {
      ASSIGN_OR_RETURN(probe, divided(*part.probe, plan_.probe_types, plan_.probe_keys, part.level + 1));
    }
    push(*build, probe.get());
    kept_.push_back(std::move(build));
    if (probe != nullptr) kept_.push_back(std::move(probe));
    return {};
  }

  Result<std::unique_ptr<SpillPartitions>> divided(
      const SpillStream& stream, const std::vector<Oid>& types,
      const std::vector<std::shared_ptr<const CompiledExpression>>& key_expressions, uint32_t level) {
    ASSIGN_OR_RETURN(auto result, SpillPartitions::create(context_, types, level));
    SpillReader reader = stream.read();
    std::vector<uint64_t> hashes(kBatchRows);
    for (;;) {
      Batch batch;
      ASSIGN_OR_RETURN(const bool more, reader.next(batch));
      if (!more) break;
      ASSIGN_OR_RETURN(const std::vector<Vector> keys, evaluate_all(key_expressions, batch, *context_.eval));
      hash_keys(keys, batch.size, hashes.data());
      RETURN_IF_ERROR(result->add(batch, hashes.data()));
    }
    RETURN_IF_ERROR(result->finish());
    return result;
  }

  const OperatorContext context_;
  const JoinPlan& plan_;
  std::vector<Part> parts_;
  std::vector<std::unique_ptr<SpillPartitions>> kept_;
  MemoryGrant grant_;
  std::unique_ptr<JoinTable> table_;
  std::unique_ptr<SpillReader> probe_;
};

JoinOperator::JoinOperator(const OperatorContext& context, OperatorStats* stats, BatchSourcePtr child,
                           std::shared_ptr<JoinBuild> build)
    : BatchSource(context, stats), child_(std::move(child)), build_(std::move(build)),
      prober_(context, std::shared_ptr<const JoinPlan>(build_, &build_->plan())) {}

JoinOperator::~JoinOperator() = default;

Result<bool> JoinOperator::produce(Batch& batch) {
  if (!prepared_) {
    RETURN_IF_ERROR(build_->prepare());
    prepared_ = true;
    if (stats() != nullptr) stats()->memory_bytes.store(build_->peak_memory_bytes());
    if (build_->table() != nullptr) prober_.start(*build_->table());
  }
  return build_->table() != nullptr ? produce_from_memory(batch) : produce_from_disk(batch);
}

Result<bool> JoinOperator::produce_from_memory(Batch& batch) {
  const JoinPlan& plan = build_->plan();
  for (;;) {
    ASSIGN_OR_RETURN(const bool given, prober_.next(batch));
    if (given) return true;
    if (child_ended_) return prober_.next_unmatched(batch);
    // An empty build side decides inner and semi joins: the other is not read at all.
    const bool nothing = build_->table()->row_count() == 0 && !plan.probe_outer &&
                         plan.output != JoinPlan::Output::kAnti;
    if (nothing) return false;
    Batch input;
    ASSIGN_OR_RETURN(const bool more, child_->next(input));
    if (more) {
      RETURN_IF_ERROR(prober_.take(std::move(input)));
    } else {
      child_ended_ = true;
      child_.reset();
    }
  }
}

Status JoinOperator::divide_child() {
  std::vector<uint64_t> hashes(kBatchRows);
  for (;;) {
    Batch input;
    ASSIGN_OR_RETURN(const bool more, child_->next(input));
    if (!more) return {};
    ASSIGN_OR_RETURN(const std::vector<Vector> keys, evaluate_all(build_->plan().probe_keys, input, eval()));
    hash_keys(keys, input.size, hashes.data());
    RETURN_IF_ERROR(build_->spill_probe(input, hashes.data()));
  }
}

Result<bool> JoinOperator::produce_from_disk(Batch& batch) {
  if (!child_ended_) {
    build_->enter();
    RETURN_IF_ERROR(divide_child());
    child_ended_ = true;
    child_.reset();
    ASSIGN_OR_RETURN(const bool last, build_->leave());
    if (last) partitions_ = std::make_unique<Partitions>(context(), *build_);
  }
  if (partitions_ == nullptr) return false;
  return partitions_->next(prober_, batch);
}

}  // namespace eventd::engine
