"""Words for duties, kinds of staff and columns in roster files."""

from __future__ import annotations

from collections.abc import Mapping

from geo.duty.events import Duty
from geo.tables.headers import Names, plain_header

_DUTY_WORDS: Mapping[Duty, str] = {
    Duty.RESPONSIBLE: (
        "responsible 责任人 负责人 第一责任人 一级网格责任人 三级网格责任人 单位负责人 店主 经理 总经理 社区书记 "
        "社区党组织书记"
    ),
    Duty.LEADER: "leader 格长 网格长 二级格长 二级网格长 二级网格责任人 专职网格员 网格员 班子领导 牵头领导 包片领导",
    Duty.DEPUTY: "deputy 副格长 副网格长 副职 代理格长 代理人 代理",
    Duty.HELPER: "helper 协管员 协管 辅助人员 辅助网格员",
    Duty.POLICE: "police 警员 民警 社区民警 辅警 片警",
    Duty.CLEANER: "cleaner 保洁员 保洁 环卫工",
    Duty.PARTY_MEMBER: "party_member 党员骨干 党员 党小组长",
    Duty.BUILDING_HEAD: "building_head 楼栋长 楼长 单元长 楼组长",
    Duty.VOLUNTEER: "volunteer 志愿者 义工",
    Duty.RESIDENT_REP: "resident_rep 居民代表 居民小组长",
    Duty.INFORMATION_OFFICER: "information_officer 信息员 兼职信息员 专职信息员 信息采集员",
}
_KIND_WORDS = {
    "official": "official 机关干部 街道干部 街道科室人员 机关 科室人员 公务员 事业编",
    "community_worker": "community_worker 社区工作人员 社区工作者 社工 社区干部 社区",
}

#: Duty, and kind of staff, by folded word of a table.
DUTY_OF: Mapping[str, Duty] = {
    plain_header(word): duty for duty, words in _DUTY_WORDS.items() for word in words.split()
}
KIND_OF: Mapping[str, str] = {plain_header(word): kind for kind, words in _KIND_WORDS.items() for word in words.split()}

CELL, PERSON, NAME, DUTY, FROM, TO = "cell", "person", "name", "duty", "from", "to"
KIND, POST, UNIT, PHONE, PLACE, BASIS = "kind", "post", "unit", "office_phone", "place", "basis"
PLEDGE = "pledge"

#: Columns that are recognised but never stored, because they are not needed.
PRIVATE = "private"

_LISTED = {
    CELL: "cell 网格编码 网格代码 网格编号 网格号 单元网格编码 责任网格编码 二级网格编码 所属网格编码 编码 cell_code code",
    PERSON: "person 工号 人员编号 职工号 人员编码 staff_no",
    NAME: "name 姓名 人员姓名 责任人姓名 格长姓名 责任人 格长 负责人 联系人",
    DUTY: "duty 职责 角色 责任类型 人员角色 网格职责 岗位角色 role",
    FROM: "from 开始日期 起始日期 任职日期 生效日期 上岗日期 起 valid_from start",
    TO: "to 结束日期 截止日期 离任日期 失效日期 止 valid_to end",
    KIND: "kind 人员类别 人员性质 身份类别 人员类型",
    POST: "post 职务 职务名称 岗位",
    UNIT: "unit 单位 部门 科室 所在单位 工作单位",
    PHONE: "office_phone 值班电话 办公电话 工作电话 服务电话 联系电话 电话 手机号 手机",
    PLEDGE: "pledge 承诺 岗位承诺 服务承诺 公开承诺",
    PLACE: "place 楼栋 负责楼栋 单位名称 店铺名称",
    BASIS: "basis 依据 文件依据 任命文件 文号",
    PRIVATE: "private 身份证号 身份证号码 身份证 公民身份号码 id_number",
}

#: The headers of a roster.
NAMES = Names({name: tuple(words.split()) for name, words in _LISTED.items()}, {}, "the roster")
