"""Small policies for tests of the command line."""

from __future__ import annotations

from pathlib import Path

CLEAN = """\
policy shop.rules 1.0.0 {
  title  zh "商店规则"  en "Rules of the shop"
  notice "notice.txt"
  in force 2024-01-01 ..
  time zone "Asia/Shanghai"
  use shop.fields 1
}

clause 1 "价格须真实。"
clause 2 "礼貌待客。" not enforced zh "属于评价。"  en "A judgement."

param cutoff = 0.8 range 0.5 .. 0.95  zh "分数线"  en "cutoff"

ladder pricing by account within 30d  zh "价格"  en "Pricing" {
  1  => warn for 7d
  2+ => mute for 3d
}

rule false_price {
  title  zh "虚假价格"  en "False price"
  cites  1
  when   offer.score >= cutoff and offer.kind in [sale, auction]
  unless offer.labelled
  severity high
  then   mute for 1d
  then   ladder pricing
  because zh "价格不实（{offer.kind}）。"  en "The price is false ({offer.kind})."
}

rule watched {
  title  zh "观察"  en "Watched"
  cites  1
  mode   shadow
  when   offer.note contains any ["最低价"]
  then   warn for 1d
  because zh "观察中。"  en "Being watched."
}

test "a false price mutes" {
  at 2024-05-01T12:00+08:00
  given offer.score = 0.9, offer.kind = sale, offer.labelled = false, pricing = 0
  expect only [false_price]
  expect mute for 1d
  expect ladder pricing step 1
}

test "a labelled price is fine" {
  at 2024-05-01T12:00+08:00
  given offer.score = 0.9, offer.kind = sale, offer.labelled = true
  expect nothing
}
"""
"""A policy without errors, in the canonical format."""

LIBRARY = """\
library shop.fields 1.0.0 {
  title  zh "字段"  en "Fields"
}

event {
  time offer.time
  id offer.id
}

target account by offer.seller  zh "账号"  en "account"

schema offer  zh "报价"  en "Offer" {
  id       string  zh "编号"  en "number"
  time     instant required  zh "时间"  en "time"
  seller   string  zh "卖家"  en "seller"
  score    share  zh "疑似分"  en "score"
  kind     enum [sale zh "出售" en "sale", auction zh "拍卖" en "auction", gift zh "赠送" en "gift"]
           zh "类别"  en "kind"
  labelled bool  zh "已标明"  en "labelled"
  note     text  zh "说明"  en "note"
}

sanction warn {
  title zh "警告"  en "Warning"
  on account
  grade 0
  needs duration
  wording zh "警告至{until}。"  en "A warning until {until}."
  dsa VISIBILITY_OTHER
}

sanction mute {
  title zh "禁言"  en "Mute"
  on account
  grade 4
  needs duration
  wording zh "禁言至{until}。"  en "Muted until {until}."
  dsa PROVISION_PARTIAL_SUSPENSION
}
"""
"""The library that it uses."""


def project(folder: Path, policy: str = CLEAN, library: str = LIBRARY) -> Path:
    """Write a policy and its library into a folder, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "shop.policy").write_text(policy, encoding="utf-8")
    (folder / "fields.policy").write_text(library, encoding="utf-8")
    return folder
