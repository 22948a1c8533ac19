"""Names on the model street: roads, compounds, schools, firms and shops. All are synthetic in the local style."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ROAD_HEADS = _words(
    "长营 南塑 金宁 东井 长寿 奋进 春晓 汇虹 景和 山水 馨合 瑞丰 秋韵 燕升 栖云 晓平 化纤 合班 "
    "创新 云谷 石门 梅墅 小营 王家湾 高巷 青山 明珠 幕燕 窑坊 桦墅 北苑 联珠 新合 丁山 月苑 紫竹 "
    "枫桥 柳塘 石杨 柏果 方家营 永济 观音 神农 康宁 和兴 文昌 宝塔 荷塘 银杏 梧桐 香樟 广玉 海棠 "
    "桂花 芙蓉 玉兰 翠竹 松涛 云杉 锦绣 安怀 五贵 太平 民生 友谊 团结 胜利 建设 前进 光明 幸福"
)
_HOME_HEADS = _words(
    "春晓 汇虹 景和 山水 馨合 瑞丰 秋韵 金宁 长营 南塑 东井 万寿 晓庄 华电 奋斗 合班 燕归 栖霞 "
    "银河 明发 翠岛 天润 朗诗 绿洲 康桥 钟山 紫金 玄武 幕府 云锦 雨润 丹霞 枫丹 御水 香榭 锦江 "
    "嘉和 世纪 阳光 金色 碧水 蓝天 青年 兴贤 兴隆 安居 和润 润泽 永泰 祥和"
)
_OLD_TAILS = ("新村", "小区", "南苑", "北苑", "东村", "西村", "宿舍区", "一村", "二村", "三村")
_NEW_TAILS = ("花园", "家园", "雅居", "名苑", "府", "城市花园", "华庭", "公馆", "湾", "雅苑")
_VILLAGE_HEADS = _words(
    "许家 王家 张家 高家 丁家 陈家 笆斗 联合 周家 蒋家 大庄 小庄 沈家 下庄 上庄 徐家 唐家 石家 "
    "孙家 吴家 杨家 范家 戴家 汤家"
)
_VILLAGE_TAILS = ("村", "营", "库", "边", "山", "桥")
_WORKS_HEADS = _words(
    "华润 金陵 长江 宁燕 化纤 新联 东方 江南 宏光 三乐 大桥 永固 天成 恒力 正源 联创 华新 金箭 跃进 石油"
)
_WORKS_TAILS = (
    "机械厂",
    "电子厂",
    "热电厂",
    "物流园",
    "汽配厂",
    "包装厂",
    "仪表厂",
    "建材厂",
    "仓储中心",
    "食品厂",
)
_OFFICE_HEADS = _words(
    "云谷 智汇 创新 联创 北斗 星火 科创 未来 数智 栖云 金港 紫东 新城 天地 汇智 启迪 明智 卓越 鼎新 腾飞"
)
_OFFICE_TAILS = ("大厦", "中心", "广场", "科技楼", "国际", "商务楼")
_MALL_TAILS = ("购物广场", "生活广场", "商业中心", "百货", "家居城", "农贸市场")
_SCHOOL_TAILS = ("小学", "中学", "幼儿园", "初级中学", "实验小学", "中心小学")
_SHOP_HEADS = _words(
    "老张 阿婆 金陵 小李 好邻居 苏果 万家 福满 兴旺 鸿运 佳佳 百姓 同心 顺发 喜来 江南 家和 美美 "
    "诚信 新华 惠民 香满园 大众 平安"
)
_SHOP_TAILS = (
    "面馆",
    "便利店",
    "理发店",
    "五金店",
    "水果店",
    "药房",
    "小吃店",
    "鸭血粉丝",
    "烟酒店",
    "洗衣店",
    "早餐店",
    "修车铺",
    "足浴店",
    "网吧",
    "文具店",
    "生鲜超市",
    "房产中介",
    "旅馆",
    "宠物店",
    "眼镜店",
)

_POOLS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "old": (_HOME_HEADS, _OLD_TAILS),
    "new": (_HOME_HEADS, _NEW_TAILS),
    "village": (_VILLAGE_HEADS, _VILLAGE_TAILS),
    "works": (_WORKS_HEADS, _WORKS_TAILS),
    "office": (_OFFICE_HEADS, _OFFICE_TAILS),
    "commerce": (_OFFICE_HEADS, _MALL_TAILS),
    "school": (_HOME_HEADS, _SCHOOL_TAILS),
}


def road_names(rng: np.random.Generator) -> dict[str, Iterator[str]]:
    """Unlimited unique names for tertiary (路) and residential (街, 巷) roads."""
    heads = [str(h) for h in rng.permutation(np.array(_ROAD_HEADS))]
    return {
        "tertiary": _road_run(heads, ("路", "东路", "西路")),
        "residential": _road_run(heads, ("街", "巷", "里", "坊")),
    }


def _road_run(heads: list[str], tails: tuple[str, ...]) -> Iterator[str]:
    for tail in tails:
        for head in heads:
            yield head + tail
    number = 1
    while True:
        for head in heads:
            yield f"{head}{_chinese(number)}巷" if "巷" in tails else f"{head}{_chinese(number)}路"
        number += 1


def compound_names(use: str, rng: np.random.Generator) -> Iterator[str]:
    """Unlimited unique names for compounds of a use (a key of the pools, see the source)."""
    heads, tails = _POOLS[use]
    pairs = [h + t for h in heads for t in tails]
    order = rng.permutation(len(pairs))
    phase = 1
    while True:
        for i in order:
            yield pairs[i] if phase == 1 else f"{pairs[i]}{_chinese(phase)}期"
        phase += 1


def shop_name(rng: np.random.Generator) -> str:
    """A shop sign. Signs may repeat, as in reality."""
    return str(_SHOP_HEADS[rng.integers(len(_SHOP_HEADS))] + _SHOP_TAILS[rng.integers(len(_SHOP_TAILS))])


def _chinese(number: int) -> str:
    """Chinese numeral of 1 to 99."""
    digits = "零一二三四五六七八九"
    tens, ones = divmod(number, 10)
    if tens == 0:
        return digits[ones]
    return ("" if tens == 1 else digits[tens]) + "十" + (digits[ones] if ones else "")
