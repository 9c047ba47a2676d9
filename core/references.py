"""The works that solvers come from, as BibTeX."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.registry import Registry


@dataclass(frozen=True)
class Reference:
    """One work.

    Attributes
    ----------
    kind : BibTeX's entry type: "article", "inproceedings", "book" or "misc".
    authors : "Family, Given" each, in order.
    venue : journal, proceedings or publisher; empty for a preprint.
    arxiv : number, such as "2206.00927"; empty if there is none.
    doi, url : empty if there is none.
    """

    kind: str
    authors: tuple[str, ...]
    title: str
    year: int
    venue: str = ""
    arxiv: str = ""
    doi: str = ""
    url: str = ""

    def bibtex(self, key: str) -> str:
        """The entry under ``key``."""
        place = {"article": "journal", "inproceedings": "booktitle", "book": "publisher"}.get(self.kind, "howpublished")
        fields = {
            "title": f"{{{self.title}}}",  # a second pair of braces keeps capitals
            "author": " and ".join(self.authors),
            place: self.venue,
            "year": str(self.year),
            "eprint": self.arxiv,
            "archiveprefix": "arXiv" if self.arxiv else "",
            "doi": self.doi,
            "url": self.url,
        }
        lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
        return f"@{self.kind}{{{key},\n" + ",\n".join(lines) + "\n}"


REFERENCES: Registry[Reference] = Registry("reference")
_LU = ("Lu, Cheng", "Zhou, Yuhao", "Bao, Fan", "Chen, Jianfei", "Li, Chongxuan", "Zhu, Jun")

for key, reference in {
    "song2020ddim": Reference(
        "inproceedings",
        ("Song, Jiaming", "Meng, Chenlin", "Ermon, Stefano"),
        "Denoising Diffusion Implicit Models",
        2021,
        "International Conference on Learning Representations",
        "2010.02502",
    ),
    "ho2020ddpm": Reference(
        "inproceedings",
        ("Ho, Jonathan", "Jain, Ajay", "Abbeel, Pieter"),
        "Denoising Diffusion Probabilistic Models",
        2020,
        "Advances in Neural Information Processing Systems",
        "2006.11239",
    ),
    "song2020sde": Reference(
        "inproceedings",
        (
            "Song, Yang",
            "Sohl-Dickstein, Jascha",
            "Kingma, Diederik P.",
            "Kumar, Abhishek",
            "Ermon, Stefano",
            "Poole, Ben",
        ),
        "Score-Based Generative Modeling through Stochastic Differential Equations",
        2021,
        "International Conference on Learning Representations",
        "2011.13456",
    ),
    "song2019ncsn": Reference(
        "inproceedings",
        ("Song, Yang", "Ermon, Stefano"),
        "Generative Modeling by Estimating Gradients of the Data Distribution",
        2019,
        "Advances in Neural Information Processing Systems",
        "1907.05600",
    ),
    "bao2022analytic": Reference(
        "inproceedings",
        ("Bao, Fan", "Li, Chongxuan", "Zhu, Jun", "Zhang, Bo"),
        "Analytic-DPM: an Analytic Estimate of the Optimal Reverse Variance in Diffusion Probabilistic Models",
        2022,
        "International Conference on Learning Representations",
        "2201.06503",
    ),
    "bao2022extended": Reference(
        "inproceedings",
        ("Bao, Fan", "Li, Chongxuan", "Sun, Jiacheng", "Zhu, Jun", "Zhang, Bo"),
        "Estimating the Optimal Covariance with Imperfect Mean in Diffusion Probabilistic Models",
        2022,
        "International Conference on Machine Learning",
        "2206.07309",
    ),
    "xue2023sa": Reference(
        "inproceedings",
        (
            "Xue, Shuchen",
            "Yi, Mingyang",
            "Luo, Weijian",
            "Zhang, Shifeng",
            "Sun, Jiacheng",
            "Li, Zhenguo",
            "Ma, Zhi-Ming",
        ),
        "SA-Solver: Stochastic Adams Solver for Fast Sampling of Diffusion Models",
        2023,
        "Advances in Neural Information Processing Systems",
        "2309.05019",
    ),
    "xu2023restart": Reference(
        "inproceedings",
        ("Xu, Yilun", "Deng, Mingyang", "Cheng, Xiang", "Tian, Yonglong", "Liu, Ziming", "Jaakkola, Tommi"),
        "Restart Sampling for Improving Generative Processes",
        2023,
        "Advances in Neural Information Processing Systems",
        "2306.14878",
    ),
    "karras2022edm": Reference(
        "inproceedings",
        ("Karras, Tero", "Aittala, Miika", "Aila, Timo", "Laine, Samuli"),
        "Elucidating the Design Space of Diffusion-Based Generative Models",
        2022,
        "Advances in Neural Information Processing Systems",
        "2206.00364",
    ),
    "lu2022dpm": Reference(
        "inproceedings",
        _LU,
        "DPM-Solver: A Fast ODE Solver for Diffusion Probabilistic Model Sampling in Around 10 Steps",
        2022,
        "Advances in Neural Information Processing Systems",
        "2206.00927",
    ),
    "lu2022dpmpp": Reference(
        "misc",
        _LU,
        "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models",
        2022,
        arxiv="2211.01095",
    ),
    "zheng2023dpmv3": Reference(
        "inproceedings",
        ("Zheng, Kaiwen", "Lu, Cheng", "Chen, Jianfei", "Zhu, Jun"),
        "DPM-Solver-v3: Improved Diffusion ODE Solver with Empirical Model Statistics",
        2023,
        "Advances in Neural Information Processing Systems",
        "2310.13268",
    ),
    "zhang2022deis": Reference(
        "inproceedings",
        ("Zhang, Qinsheng", "Chen, Yongxin"),
        "Fast Sampling of Diffusion Models with Exponential Integrator",
        2023,
        "International Conference on Learning Representations",
        "2204.13902",
    ),
    "liu2022pndm": Reference(
        "inproceedings",
        ("Liu, Luping", "Ren, Yi", "Lin, Zhijie", "Zhao, Zhou"),
        "Pseudo Numerical Methods for Diffusion Models on Manifolds",
        2022,
        "International Conference on Learning Representations",
        "2202.09778",
    ),
    "zhou2023amed": Reference(
        "inproceedings",
        ("Zhou, Zhenyu", "Chen, Defang", "Wang, Can", "Chen, Chun"),
        "Fast ODE-based Sampling for Diffusion Models in Around 5 Steps",
        2024,
        "Conference on Computer Vision and Pattern Recognition",
        "2312.00094",
    ),
    "zhao2023unipc": Reference(
        "inproceedings",
        ("Zhao, Wenliang", "Bai, Lujia", "Rao, Yongming", "Zhou, Jie", "Lu, Jiwen"),
        "UniPC: A Unified Predictor-Corrector Framework for Fast Sampling of Diffusion Models",
        2023,
        "Advances in Neural Information Processing Systems",
        "2302.04867",
    ),
    "crowson2022kdiffusion": Reference(
        "misc",
        ("Crowson, Katherine",),
        "k-diffusion",
        2022,
        url="https://github.com/crowsonkb/k-diffusion",
    ),
    "hairer1993nonstiff": Reference(
        "book",
        ("Hairer, Ernst", "N{\\o}rsett, Syvert P.", "Wanner, Gerhard"),
        "Solving Ordinary Differential Equations {I}: Nonstiff Problems",
        1993,
        "Springer",
        doi="10.1007/978-3-540-78862-1",
    ),
    "butcher2016numerical": Reference(
        "book",
        ("Butcher, John C.",),
        "Numerical Methods for Ordinary Differential Equations",
        2016,
        "Wiley",
        doi="10.1002/9781119121534",
    ),
    "ralston1962error": Reference(
        "article",
        ("Ralston, Anthony",),
        "Runge-Kutta Methods with Minimum Error Bounds",
        1962,
        "Mathematics of Computation",
        doi="10.1090/S0025-5718-1962-0150954-0",
    ),
    "dormand1980family": Reference(
        "article",
        ("Dormand, John R.", "Prince, Peter J."),
        "A Family of Embedded {R}unge-{K}utta Formulae",
        1980,
        "Journal of Computational and Applied Mathematics",
        doi="10.1016/0771-050X(80)90013-3",
    ),
    "hochbruck2010exponential": Reference(
        "article",
        ("Hochbruck, Marlis", "Ostermann, Alexander"),
        "Exponential Integrators",
        2010,
        "Acta Numerica",
        doi="10.1017/S0962492910000048",
    ),
    "saharia2022imagen": Reference(
        "inproceedings",
        ("Saharia, Chitwan", "others"),
        "Photorealistic Text-to-Image Diffusion Models with Deep Language Understanding",
        2022,
        "Advances in Neural Information Processing Systems",
        "2205.11487",
    ),
    "wizadwongsa2023splitting": Reference(
        "inproceedings",
        ("Wizadwongsa, Suttisak", "Suwajanakorn, Supasorn"),
        "Accelerating Guided Diffusion Sampling with Splitting Numerical Methods",
        2023,
        "International Conference on Learning Representations",
        "2301.11558",
    ),
    "strang1968construction": Reference(
        "article",
        ("Strang, Gilbert",),
        "On the Construction and Comparison of Difference Schemes",
        1968,
        "SIAM Journal on Numerical Analysis",
        doi="10.1137/0705041",
    ),
    "ho2022cfg": Reference(
        "misc",
        ("Ho, Jonathan", "Salimans, Tim"),
        "Classifier-Free Diffusion Guidance",
        2022,
        arxiv="2207.12598",
    ),
    "dhariwal2021adm": Reference(
        "inproceedings",
        ("Dhariwal, Prafulla", "Nichol, Alex"),
        "Diffusion Models Beat {GAN}s on Image Synthesis",
        2021,
        "Advances in Neural Information Processing Systems",
        "2105.05233",
    ),
    "kynkaanniemi2024interval": Reference(
        "inproceedings",
        ("Kynkäänniemi, Tuomas", "Aittala, Miika", "Karras, Tero", "Laine, Samuli", "Aila, Timo", "Lehtinen, Jaakko"),
        "Applying Guidance in a Limited Interval Improves Sample and Distribution Quality in Diffusion Models",
        2024,
        "Advances in Neural Information Processing Systems",
        "2404.07724",
    ),
    "lin2023flawed": Reference(
        "inproceedings",
        ("Lin, Shanchuan", "Liu, Bingchen", "Li, Jiashi", "Yang, Xiao"),
        "Common Diffusion Noise Schedules and Sample Steps are Flawed",
        2024,
        "IEEE/CVF Winter Conference on Applications of Computer Vision",
        "2305.08891",
    ),
    "lipman2022flow": Reference(
        "inproceedings",
        ("Lipman, Yaron", "Chen, Ricky T. Q.", "Ben-Hamu, Heli", "Nickel, Maximilian", "Le, Matt"),
        "Flow Matching for Generative Modeling",
        2023,
        "International Conference on Learning Representations",
        "2210.02747",
    ),
    "liu2022rectified": Reference(
        "inproceedings",
        ("Liu, Xingchao", "Gong, Chengyue", "Liu, Qiang"),
        "Flow Straight and Fast: Learning to Generate and Transfer Data with Rectified Flow",
        2023,
        "International Conference on Learning Representations",
        "2209.03003",
    ),
    "tong2023otcfm": Reference(
        "article",
        (
            "Tong, Alexander",
            "Fatras, Kilian",
            "Malkin, Nikolay",
            "Huguet, Guillaume",
            "Zhang, Yanlei",
            "Rector-Brooks, Jarrid",
            "Wolf, Guy",
            "Bengio, Yoshua",
        ),
        "Improving and Generalizing Flow-Based Generative Models with Minibatch Optimal Transport",
        2024,
        "Transactions on Machine Learning Research",
        "2302.00482",
    ),
    "pooladian2023multisample": Reference(
        "inproceedings",
        (
            "Pooladian, Aram-Alexandre",
            "Ben-Hamu, Heli",
            "Domingo-Enrich, Carles",
            "Amos, Brandon",
            "Lipman, Yaron",
            "Chen, Ricky T. Q.",
        ),
        "Multisample Flow Matching: Straightening Flows with Minibatch Couplings",
        2023,
        "International Conference on Machine Learning",
        "2304.14772",
    ),
    "lee2023curvature": Reference(
        "inproceedings",
        ("Lee, Sangyun", "Kim, Beomsu", "Ye, Jong Chul"),
        "Minimizing Trajectory Curvature of {ODE}-based Generative Models",
        2023,
        "International Conference on Machine Learning",
        "2301.12003",
    ),
    "flamary2021pot": Reference(
        "article",
        ("Flamary, Rémi", "others"),
        "{POT}: {P}ython Optimal Transport",
        2021,
        "Journal of Machine Learning Research",
        url="http://jmlr.org/papers/v22/20-451.html",
    ),
    "soderlind2003filters": Reference(
        "article",
        ("Söderlind, Gustaf",),
        "Digital Filters in Adaptive Time-Stepping",
        2003,
        "ACM Transactions on Mathematical Software",
        doi="10.1145/641876.641877",
    ),
    "virtanen2020scipy": Reference(
        "article",
        ("Virtanen, Pauli", "others"),
        "{SciPy} 1.0: Fundamental Algorithms for Scientific Computing in {P}ython",
        2020,
        "Nature Methods",
        doi="10.1038/s41592-019-0686-2",
    ),
}.items():
    REFERENCES.add(key, reference)


def bibtex(keys: Iterable[str]) -> str:
    """BibTeX of several works, in the order given.

    Raises
    ------
    ValueError
        On an unknown key, with the known ones.
    """
    return "\n\n".join(REFERENCES[key].bibtex(key) for key in keys)
